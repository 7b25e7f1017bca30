using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>
/// A convolution with square kernels of odd side and zero padding that keeps the size at stride 1. The way back at stride 1 is a
/// convolution
/// too, of turned kernels with inputs and outputs exchanged, for which oneDNN is faster than for a transposed one; holds these weights.
/// </summary>
internal sealed class SquareConvolution : INetworkLayer, IDisposable
{
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly long _stride, _kernel, _padding;
    private Tensor? _turned;

    /// <param name="weight">(outputs, inputs, kernel, kernel).</param>
    /// <param name="bias">(outputs), or null.</param>
    public SquareConvolution(Tensor weight, Tensor? bias, long stride = 1)
    {
        (_weight, _bias, _stride, _kernel) = (weight, bias, stride, weight.shape[2]);
        _padding = _kernel / 2;
        Refresh();
    }

    /// <summary>Brings the copy up to date; nobody may compute meanwhile.</summary>
    public void Refresh()
    {
        if (_stride != 1 || _weight.requires_grad)
            return;
        using DisposeScope scope = NewDisposeScope();
        _turned?.Dispose();
        _turned = _weight.detach().transpose(0, 1).flip(2, 3).contiguous().DetachFromDisposeScope();
    }

    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        pass.KeepSize(x);
        return NativePrimitives.Convolve(x, _weight, _bias, _stride, _padding);
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        long[] size = pass.RecallSize().Shape;
        return _turned is not null
            ? NativePrimitives.Convolve(gradient, _turned, null, 1, _padding)
            : NativePrimitives.ConvolveTransposed(gradient, _weight, _stride, _padding, (Unreached(size[2]), Unreached(size[3])));
    }

    public void Dispose() => _turned?.Dispose();

    /// <summary>Rows or columns at the far edge that no kernel reaches.</summary>
    private long Unreached(long size) => (size + 2 * _padding - _kernel) % _stride;
}
