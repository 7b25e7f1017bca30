using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>From a map to one float32 number per channel, the sum over its pixels: (n, channels).</summary>
internal sealed class ChannelSum : INetworkLayer
{
    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        pass.KeepSize(x);
        return x.to(ScalarType.Float32).flatten(2).sum(2);
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        MapSize map = pass.RecallSize();
        return gradient.to(map.Dtype).unsqueeze(2).unsqueeze(3).expand(map.Shape);
    }
}
