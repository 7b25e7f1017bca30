using EbmService.Inference.Numerics;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>A convolution with square kernels and zero padding.</summary>
/// <param name="weight">(outputs, inputs, kernel, kernel).</param>
/// <param name="bias">(outputs), or null.</param>
internal sealed class SquareConvolution(Tensor weight, Tensor? bias, long stride = 1) : INetworkLayer
{
    private readonly long _kernel = weight.shape[2];
    private readonly long _padding = weight.shape[2] / 2;

    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        // Its size alone is needed on the way back.
        pass.Keep(x);
        return NativePrimitives.Convolve(x, weight, bias, stride, _padding);
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        using Tensor x = pass.Recall();
        return NativePrimitives.ConvolveTransposed(gradient, weight, stride, _padding, (Unreached(x.shape[2]), Unreached(x.shape[3])));
    }

    /// <summary>Rows or columns at the far edge that no kernel reaches.</summary>
    private long Unreached(long size) => (size + 2 * _padding - _kernel) % stride;
}
