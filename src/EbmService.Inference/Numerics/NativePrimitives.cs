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
        GradientInGraph,
        NetworkForward,
        NetworkBackward,
    }

    /// <summary>A convolution of maps (n, channels, height, width) with weights (outputs, channels, kernel, kernel).</summary>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias, long stride, long padding)
    {
        if (!ChoosesKernels(input))
            return F.conv2d(input, weight, bias, [stride, stride], [padding, padding]);
        long outputs = weight.size(0);
        if (input.dtype != ScalarType.Float32 || (is_grad_enabled() && (input.requires_grad || weight.requires_grad)))
        {
            (input, weight) = (ChannelsLast(WithTwo(input, 1)), WithTwo(WithTwo(weight, 0), 1));
            bias = bias is null ? null : WithTwo(bias, 0);
        }
        var signature = new Signature(stackalloc long[Signature.Length], Operation.Convolution);
        signature.Add(input, weight, bias);
        signature.Add(stride, padding);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(Channels(F.conv2d(input, weight, bias, [stride, stride], [padding, padding]), outputs));
    }

    /// <summary>The transpose of <see cref="Convolve"/>: from maps (n, outputs, ...) to maps (n, channels, ...).</summary>
    /// <param name="outputPadding">Rows and columns that no output reaches, at the lower and right edge.</param>
    public static Tensor ConvolveTransposed(
        Tensor input, Tensor weight, long stride = 1, long padding = 0, (long Height, long Width) outputPadding = default)
    {
        if (!ChoosesKernels(input))
            return Transposed();
        long channels = weight.size(1);
        (input, weight) = (ChannelsLast(WithTwo(input, 1)), WithTwo(WithTwo(weight, 0), 1));
        var signature = new Signature(stackalloc long[Signature.Length], Operation.TransposedConvolution);
        signature.Add(input, weight, null);
        signature.Add(stride, padding, outputPadding.Height, outputPadding.Width);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(Channels(Transposed(), channels));

        Tensor Transposed() => F.conv_transpose2d(
            input, weight, null, [stride, stride], [padding, padding], [outputPadding.Height, outputPadding.Width]);
    }

    /// <summary>
    /// input (n, inner) times weight' (columns, inner), plus bias (columns). float32 and float64 products are MKL's, which chooses nothing at a first call; but with few
    /// columns a row's bits depend on its place among eight rows (Intel Sapphire Rapids: three columns or fewer). <see cref="Product"/> over transposed weights has it not.
    /// </summary>
    public static Tensor Linear(Tensor input, Tensor weight, Tensor? bias = null)
    {
        if (input.dtype is ScalarType.Float32 or ScalarType.Float64 || !ChoosesKernels(input))
            return F.linear(input, weight, bias);
        var signature = new Signature(stackalloc long[Signature.Length], Operation.Linear);
        signature.Add(input, weight, bias);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(F.linear(input, weight, bias));
    }

    /// <summary>left (rows, inner) times right (inner, columns), plus bias (columns) where given.</summary>
    public static Tensor Product(Tensor left, Tensor right, Tensor? bias = null)
    {
        if (left.dtype is ScalarType.Float32 or ScalarType.Float64 || !ChoosesKernels(left))
            return Compute();
        var signature = new Signature(stackalloc long[Signature.Length], Operation.Product);
        signature.Add(left, right, bias);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator);
        return passage.Done(Compute());

        Tensor Compute() => bias is null ? left.mm(right) : addmm(bias, left, right, 1, 1);
    }

    /// <summary>As <see cref="Product"/> in float32, written over <paramref name="target"/>: no memory is taken.</summary>
    /// <param name="target">(rows, columns), or (rows) where <paramref name="right"/> is a vector.</param>
    public static void ProductInto(Tensor target, Tensor left, Tensor right)
    {
        if (left.dtype != ScalarType.Float32 || right.dtype != ScalarType.Float32)
            throw new ArgumentException("products into memory at hand are of float32", nameof(left));
        if (right.dim() == 1)
            target.addmv_(left, right, 0, 1);
        else
            target.addmm_(left, right, 0, 1);
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
        CheckGraph(output);
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

    /// <summary>As <see cref="Gradients"/>, of one input, and itself part of the graph: what is made of it can be differentiated.</summary>
    public static Tensor GradientInGraph(Tensor output, Tensor input, IReadOnlyDictionary<string, Tensor> parameters)
    {
        CheckGraph(output);
        if (!ChoosesKernels(output))
            return autograd.grad([output], [input], retain_graph: true, create_graph: true)[0];
        var signature = new Signature(new long[3 + (1 + parameters.Count) * (PerTensor + 1)], Operation.GradientInGraph);
        foreach (Tensor parameter in parameters.Values)
        {
            signature.Add(parameter);
            signature.Add(parameter.Handle);
        }
        signature.Add(input);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerGradient * Math.Max(1, parameters.Count));
        return passage.Done(autograd.grad([output], [input], retain_graph: true, create_graph: true)[0]);
    }

    /// <summary>A forward pass of a network whose operators are not known here, so that all of them together are one signature.</summary>
    /// <param name="network">A number that no other network of the process has, nor this one in another precision.</param>
    /// <param name="operators">Operators with weights, at most.</param>
    /// <param name="input">(n, ...); maps reach the network with channels last, as those of <see cref="Convolve"/> do.</param>
    public static Tensor Forward(long network, int operators, Tensor input, Func<Tensor, Tensor> compute)
    {
        if (!ChoosesKernels(input))
            return compute(input);
        if (input.dim() == 4)
            input = input.size(1) > 1 ? ChannelsLast(input) : OneChannelLast(input);
        var signature = new Signature(stackalloc long[Signature.Length], Operation.NetworkForward);
        signature.Add(network);
        signature.Add(input);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator * operators);
        return passage.Done(compute(input));
    }

    /// <summary>The gradient of a scalar that was made of what <see cref="Forward"/> gave for the input.</summary>
    public static Tensor Backward(long network, int operators, Tensor output, Tensor input)
    {
        if (!ChoosesKernels(input))
            return autograd.grad([output], [input])[0];
        var signature = new Signature(stackalloc long[Signature.Length], Operation.NetworkBackward);
        signature.Add(network);
        signature.Add(input);
        using FirstCallGate.Passage passage = s_gate.Enter(signature.Numbers, PerOperator * operators);
        return passage.Done(autograd.grad([output], [input])[0]);
    }

    /// <summary>
    /// (n, channels, height, width) with channels last in memory. On some processors (AMD Zen 5, libtorch 2.10.0) oneDNN's kernels for maps with channels first are wrong
    /// where the number of channels is no multiple of 16: gradients in float32, everything in bfloat16 (docs/adr/0009). This layout takes other kernels.
    /// </summary>
    private static Tensor ChannelsLast(Tensor map) => map.stride(1) == 1 ? map : map.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    /// <summary>Strides that libtorch takes for channels last, where it would not tell by the numbers' order.</summary>
    private static Tensor OneChannelLast(Tensor map) => map.reshape(map.size(0), map.size(2), map.size(3), 1).permute(0, 3, 1, 2);

    /// <summary>One channel has no order that libtorch could tell, so it counts as channels first: a second one, of zeros, makes the layout plain.</summary>
    private static Tensor WithTwo(Tensor tensor, int dimension)
    {
        if (tensor.size(dimension) > 1)
            return tensor;
        // From the last dimension to the first, before and after each.
        var padding = new long[2 * (tensor.dim() - dimension)];
        padding[^1] = 1;
        return F.pad(tensor, padding);
    }

    private static Tensor Channels(Tensor map, long channels) => map.size(1) == channels ? map : map.narrow(1, 0, channels);

    /// <summary>libtorch would end the process: its exception comes through no wrapper of TorchSharp's.</summary>
    private static void CheckGraph(Tensor output)
    {
        if (!output.requires_grad)
            throw new InvalidOperationException("there is no graph behind the tensor to differentiate");
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
