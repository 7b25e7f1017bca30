using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Mlp;

/// <summary>Energy and gradient of a perceptron on a CPU without a graph. Holds transposed copies of the weights.</summary>
internal sealed class MlpGradient : IDisposable
{
    private readonly (Tensor Weight, Tensor Bias)[] _layers;
    private readonly Tensor[] _transposed;
    private readonly ScalarType _precision;

    public MlpGradient((Tensor Weight, Tensor Bias)[] layers)
    {
        _layers = layers;
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

    public (Tensor Energy, Tensor Gradient) Compute(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var slopes = new Tensor[_transposed.Length];
        Tensor hidden = x.to(_precision).contiguous();
        for (int i = 0; i < slopes.Length; i++)
        {
            slopes[i] = Forward(hidden, i);
            hidden = SiluKernel.Activate(slopes[i]);
        }
        Tensor energy = NativePrimitives.Linear(hidden, _layers[^1].Weight, _layers[^1].Bias).squeeze(1).to(ScalarType.Float32);
        return (energy.MoveToOuterDisposeScope(), Backward(slopes, x.shape).to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        foreach (Tensor? tensor in _transposed)
            tensor?.Dispose();
    }

    private Tensor Forward(Tensor hidden, int layer)
    {
        (Tensor weight, Tensor bias) = _layers[layer];
        return _precision == ScalarType.Float32 && DenseKernel.Fits(hidden.shape[0], weight.shape[1], weight.shape[0])
            ? DenseKernel.Multiply(hidden, _transposed[layer], bias)
            : NativePrimitives.Linear(hidden, weight, bias);
    }

    private Tensor Backward(Tensor[] slopes, long[] shape)
    {
        if (slopes.Length == 0)
            return _layers[0].Weight.repeat(shape[0], 1);
        Tensor gradient = slopes[^1].mul_(_layers[^1].Weight);
        for (int i = slopes.Length - 1; i > 0; i--)
        {
            Tensor weight = _layers[i].Weight;
            gradient = _precision == ScalarType.Float32 && DenseKernel.Fits(shape[0], weight.shape[0], weight.shape[1])
                ? DenseKernel.Multiply(gradient, weight, null)
                : NativePrimitives.Product(gradient, weight);
            SiluKernel.Multiply(gradient, slopes[i - 1]);
        }
        // Few columns: over transposed weights the product is several times faster.
        return NativePrimitives.Linear(gradient, _transposed[0]);
    }
}
