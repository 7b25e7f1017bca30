using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>From a map to one float32 row of all its numbers, channel by channel: (n, channels x height x width).</summary>
internal sealed class Flatten : INetworkLayer
{
    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        pass.KeepSize(x);
        return x.to(ScalarType.Float32).flatten(1);
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        MapSize map = pass.RecallSize();
        return gradient.to(map.Dtype).view(map.Shape);
    }
}
