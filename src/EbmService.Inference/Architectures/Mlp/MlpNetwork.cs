using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Mlp;

/// <summary>
/// A perceptron on a CPU without a graph, for energies, features and gradients alike. Hidden layers compute in the precision of their weights, the last
/// layer sums float32 products in float64. Holds transposed copies of the weights.
/// </summary>
internal sealed class MlpNetwork : IDisposable
{
    private readonly (Tensor Weight, Tensor Bias)[] _layers;
    private readonly Tensor[] _transposed;
    private readonly ScalarType _precision;
    private readonly (Tensor Weight, Tensor Bias) _head;

    public MlpNetwork((Tensor Weight, Tensor Bias)[] layers)
    {
        (_layers, _head) = (layers, layers[^1]);
        _precision = layers[0].Weight.dtype;
        _transposed = new Tensor[layers.Length - 1];
        Refresh();
    }

    /// <summary>Brings the copies up to date; nobody may compute meanwhile.</summary>
    public void Refresh()
    {
        using DisposeScope scope = NewDisposeScope();
        Dispose();
        for (int i = 0; i < _transposed.Length; i++)
            _transposed[i] = _layers[i].Weight.detach().t().contiguous().DetachFromDisposeScope();
    }

    public Tensor Features(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = Hidden(x, null);
        // Without a hidden layer that would be the caller's own input.
        return (_transposed.Length == 0 ? hidden.clone() : hidden).MoveToOuterDisposeScope();
    }

    public Tensor Energy(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Head(Hidden(x, null)).MoveToOuterDisposeScope();
    }

    public (Tensor Energy, Tensor Gradient) Compute(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var slopes = new Tensor[_transposed.Length];
        Tensor energy = Head(Hidden(x, slopes));
        return (energy.MoveToOuterDisposeScope(), Backward(slopes, x.shape).to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        foreach (Tensor? tensor in _transposed)
            tensor?.Dispose();
    }

    /// <param name="slopes">Filled with SiLU's derivatives, layer by layer; null where no gradient is wanted.</param>
    private Tensor Hidden(Tensor x, Tensor[]? slopes)
    {
        Tensor hidden = x.to(_precision).contiguous();
        for (int i = 0; i < _transposed.Length; i++)
        {
            Tensor sum = Forward(hidden, i);
            if (slopes is null)
            {
                SiluKernel.Replace(sum);
                hidden = sum;
            }
            else
            {
                slopes[i] = sum;
                hidden = SiluKernel.Activate(sum);
            }
        }
        return hidden;
    }

    private Tensor Forward(Tensor hidden, int layer)
    {
        (Tensor weight, Tensor bias) = _layers[layer];
        if (_precision != ScalarType.Float32)
            return NativePrimitives.Linear(hidden, weight, bias);
        return DenseKernel.Fits(hidden.shape[0], weight.shape[1], weight.shape[0])
            ? DenseKernel.Multiply(hidden, _transposed[layer], bias)
            : NativePrimitives.Product(hidden, _transposed[layer], bias);
    }

    /// <returns>(n) float64.</returns>
    private Tensor Head(Tensor hidden) => DenseKernel.Project(hidden.to(ScalarType.Float32), _head.Weight, _head.Bias).squeeze(1);

    private Tensor Backward(Tensor[] slopes, long[] shape)
    {
        if (slopes.Length == 0)
            return _head.Weight.repeat(shape[0], 1);
        Tensor gradient = slopes[^1].mul_(_head.Weight);
        for (int i = slopes.Length - 1; i > 0; i--)
        {
            Tensor weight = _layers[i].Weight;
            gradient = _precision == ScalarType.Float32 && DenseKernel.Fits(shape[0], weight.shape[0], weight.shape[1])
                ? DenseKernel.Multiply(gradient, weight, null)
                : NativePrimitives.Product(gradient, weight);
            SiluKernel.Multiply(gradient, slopes[i - 1]);
        }
        return _precision == ScalarType.Float32
            ? NativePrimitives.Product(gradient, _layers[0].Weight)
            : NativePrimitives.Linear(gradient, _transposed[0]);
    }
}
