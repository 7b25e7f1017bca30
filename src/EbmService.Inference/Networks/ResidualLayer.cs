using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>body(x) + shortcut(x), or body(x) + x.</summary>
internal sealed class ResidualLayer(INetworkLayer body, INetworkLayer? shortcut) : INetworkLayer
{
    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        Tensor sum = body.Forward(x, pass);
        return sum.add(shortcut?.Forward(x, pass) ?? x, alpha: Kept(1));
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        Tensor direct = shortcut?.Backward(gradient, pass) ?? gradient;
        return body.Backward(gradient, pass).add(direct, alpha: Kept(1));
    }
}
