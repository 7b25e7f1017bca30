using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.ConvJem;

/// <summary>A convolution whose weights lie as channels-last, which spares oneDNN the reordering of every map, there and back.</summary>
internal sealed class ConvolutionStep : IConvolutionStep
{
    /// <summary>Wider inputs gain nothing from <see cref="BlockedBackward"/>.</summary>
    private const int BlockedChannels = 32;

    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private readonly long _stride, _padding, _kernel, _channels;
    private Tensor? _channelsLast;
    private Tensor? _blocked;

    public ConvolutionStep(Tensor weight, Tensor bias, long stride, long padding)
    {
        (_weight, _bias, _stride, _padding) = (weight, bias, stride, padding);
        (_channels, _kernel) = (weight.shape[1], weight.shape[2]);
        Refresh();
    }

    public void Refresh()
    {
        using DisposeScope scope = NewDisposeScope();
        Dispose();
        _channelsLast = ChannelsLast(_weight).DetachFromDisposeScope();
        if (_kernel == 4 && _stride == 2 && _padding == 1 && _channels <= BlockedChannels)
            _blocked = ChannelsLast(BlockedWeight(_weight)).DetachFromDisposeScope();
    }

    public Tensor Forward(Tensor rows)
    {
        using DisposeScope scope = NewDisposeScope();
        return Rows(NativePrimitives.Convolve(Map(rows), _channelsLast!, _bias, _stride, _padding)).MoveToOuterDisposeScope();
    }

    public Tensor Backward(Tensor gradient, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        if (_blocked is not null && height % 2 == 0 && width % 2 == 0)
            return BlockedBackward(gradient, height, width).MoveToOuterDisposeScope();
        long Left(long size, long outputs) => size - ((outputs - 1) * _stride - 2 * _padding + _kernel);
        return Rows(NativePrimitives.ConvolveTransposed(
            Map(gradient), _channelsLast!, _stride, _padding, (Left(height, gradient.shape[1]), Left(width, gradient.shape[2])))).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _channelsLast?.Dispose();
        _blocked?.Dispose();
        _blocked = null;
    }

    /// <summary>(n, height, width, channels) as libtorch's (n, channels, height, width), same memory.</summary>
    internal static Tensor Map(Tensor rows) => rows.permute(0, 3, 1, 2);

    internal static Tensor Rows(Tensor map) => map.permute(0, 2, 3, 1).contiguous();

    private static Tensor ChannelsLast(Tensor weight) => Map(Rows(weight.detach()));

    /// <summary>
    /// A 4 by 4 kernel of stride 2 gives a 2 by 2 block of pixels from 2 by 2 outputs: a dense convolution with four times the channels.
    /// With few channels oneDNN is up to twice as fast at that as at the strided one, the copy back to pixels included.
    /// </summary>
    private Tensor BlockedBackward(Tensor gradient, long height, long width)
    {
        long n = gradient.shape[0];
        Tensor blocks = Rows(NativePrimitives.ConvolveTransposed(Map(gradient), _blocked!));
        return blocks.view(n, height / 2 + 1, width / 2 + 1, 2, 2, _channels).permute(0, 1, 3, 2, 4, 5)
            .reshape(n, height + 2, width + 2, _channels).narrow(1, 1, height).narrow(2, 1, width).contiguous();
    }

    private static Tensor BlockedWeight(Tensor weight)
    {
        long[] shape = weight.shape;
        return weight.detach().reshape(shape[0], shape[1], 2, 2, 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(shape[0], 4 * shape[1], 2, 2);
    }
}
