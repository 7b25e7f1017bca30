using EbmService.Inference.Devices;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>scale x + shift, both by channel: what a batch norm with frozen statistics is.</summary>
/// <param name="scale">(channels).</param>
/// <param name="shift">(channels).</param>
internal sealed class ChannelAffine(Tensor scale, Tensor shift) : INetworkLayer
{
    public Tensor Forward(Tensor x, NetworkPass pass) => x.mul(ByChannel(scale)).add(ByChannel(shift), alpha: Scalars.Kept(1));

    public Tensor Backward(Tensor gradient, NetworkPass pass) => gradient.mul(ByChannel(scale));

    private static Tensor ByChannel(Tensor numbers) => numbers.view(1, -1, 1, 1);
}
