using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Numerics;

/// <summary>
/// The one way to the operators that make oneDNN primitives: convolutions, matrix products in reduced precision, and gradients of graphs that hold such.
/// On a CPU the first call of each signature runs alone in the process (<see cref="FirstCallGate"/>), so every process chooses the same kernels.
/// An architecture test finds any other caller.
/// </summary>
internal static class NativePrimitives
{
    /// <summary>oneDNN's cache holds 1024; what other operators of libtorch put there is few (counted: docs/adr/0009).</summary>
    private const int Remembered = 768;

    /// <summary>Of a convolution or product: at most the primitive, one nested in it, and reorders of input, weights and output.</summary>
    private const int PerOperator = 5;

    /// <summary>Of a convolution's way back: towards the input and towards the weights.</summary>
    private const int PerGradient = 2 * PerOperator;

    /// <summary>Numbers that describe one tensor at most: type, dimensions, and of each its size and stride.</summary>
    private const int PerTensor = 2 + 2 * MaxDimensions;

    private const int MaxDimensions = 6;

    private static readonly FirstCallGate s_gate = new(Remembered);

    private enum Operation
    {
        Convolution,
        TransposedConvolution,
        Linear,
        Product,
        Gradients,
    }

    /// <summary>A convolution of maps (n, channels, height, width) with weights (outputs, channels, kernel, kernel).</summary>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias, long stride, long padding)
    {
        if (!ChoosesKernels(input))
            return F.conv2d(input, weight, bias, [stride, stride], [padding, padding]);
        var signature = new Signature(stackalloc long[Signature.Length], Operation.Convolution);
        signature.Add(input, weight, bias);
        signature.Add(stride, padding);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(F.conv2d(input, weight, bias, [stride, stride], [padding, padding]));
    }

    /// <summary>The transpose of <see cref="Convolve"/>: from maps (n, outputs, ...) to maps (n, channels, ...).</summary>
    /// <param name="outputPadding">Rows and columns that no output reaches, at the lower and right edge.</param>
    public static Tensor ConvolveTransposed(
        Tensor input, Tensor weight, long stride = 1, long padding = 0, (long Height, long Width) outputPadding = default)
    {
        if (!ChoosesKernels(input))
            return Transposed();
        var signature = new Signature(stackalloc long[Signature.Length], Operation.TransposedConvolution);
        signature.Add(input, weight, null);
        signature.Add(stride, padding, outputPadding.Height, outputPadding.Width);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(Transposed());

        Tensor Transposed() => F.conv_transpose2d(
            input, weight, null, [stride, stride], [padding, padding], [outputPadding.Height, outputPadding.Width]);
    }

    /// <summary>input (n, inner) times weight' (columns, inner), plus bias (columns). float32 products are MKL's, which chooses nothing at a first call.</summary>
    public static Tensor Linear(Tensor input, Tensor weight, Tensor? bias = null)
    {
        if (input.dtype is ScalarType.Float32 or ScalarType.Float64 || !ChoosesKernels(input))
            return F.linear(input, weight, bias);
        var signature = new Signature(stackalloc long[Signature.Length], Operation.Linear);
        signature.Add(input, weight, bias);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(F.linear(input, weight, bias));
    }

    /// <summary>left (rows, inner) times right (inner, columns).</summary>
    public static Tensor Product(Tensor left, Tensor right)
    {
        if (left.dtype is ScalarType.Float32 or ScalarType.Float64 || !ChoosesKernels(left))
            return left.mm(right);
        var signature = new Signature(stackalloc long[Signature.Length], Operation.Product);
        signature.Add(left, right, null);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(left.mm(right));
    }

    /// <summary>
    /// Gradients of a scalar by autograd. Its kernels depend on the whole graph, which here is told by a network's parameters (those very tensors, which
    /// training changes in place) and the batches that went through it.
    /// </summary>
    /// <param name="output">The scalar.</param>
    /// <param name="inputs">By what.</param>
    /// <param name="parameters">Of the network.</param>
    /// <param name="batches">Rows of each batch in the graph, in a fixed order; 0 for one that is left out.</param>
    public static IList<Tensor> Gradients(
        Tensor output, IReadOnlyList<Tensor> inputs, IReadOnlyDictionary<string, Tensor> parameters, params ReadOnlySpan<long> batches)
    {
        if (!ChoosesKernels(output))
            return autograd.grad([output], inputs as IList<Tensor> ?? [.. inputs]);
        var signature = new Signature(new long[3 + batches.Length + (inputs.Count + parameters.Count) * (PerTensor + 1)], Operation.Gradients);
        foreach (Tensor parameter in parameters.Values)
        {
            signature.Add(parameter);
            signature.Add(parameter.Handle);
        }
        foreach (Tensor input in inputs)
            signature.Add(input);
        signature.Add(batches);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerGradient * Math.Max(1, parameters.Count));
        return passage.Done(autograd.grad([output], inputs as IList<Tensor> ?? [.. inputs]));
    }

    /// <summary>A GPU's libraries choose by themselves; no promise of equal bits is made there.</summary>
    private static bool ChoosesKernels(Tensor input) => input.device_type == DeviceType.CPU;

    /// <summary>All that a call's choice of kernels depends on, as numbers.</summary>
    private ref struct Signature
    {
        /// <summary>Of an operator's call: three tensors, and the rest.</summary>
        public const int Length = 3 * PerTensor + 8;

        private readonly Span<long> _numbers;
        private int _count;

        public Signature(Span<long> numbers, Operation operation)
        {
            _numbers = numbers;
            Add((long)operation, get_num_threads(), is_grad_enabled() ? 1 : 0);
        }

        public readonly ReadOnlySpan<long> Numbers => _numbers[.._count];

        public void Add(params ReadOnlySpan<long> numbers)
        {
            numbers.CopyTo(_numbers[_count..]);
            _count += numbers.Length;
        }

        public void Add(Tensor first, Tensor second, Tensor? third)
        {
            Add(first);
            Add(second);
            if (third is not null)
                Add(third);
        }

        /// <summary>Layout and type: an oneDNN primitive is of those alone.</summary>
        public void Add(Tensor tensor)
        {
            int dimensions = (int)tensor.dim();
            Add((long)tensor.dtype, dimensions + (tensor.requires_grad ? MaxDimensions + 1 : 0));
            for (int i = 0; i < dimensions; i++)
                Add(tensor.size(i), tensor.stride(i));
        }
    }
}
