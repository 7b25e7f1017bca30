using EbmService.Core.Devices;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>Layers one after another; between two of them a query may be answered.</summary>
internal sealed class LayerSequence(params IReadOnlyList<INetworkLayer> layers) : INetworkLayer
{
    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        foreach (INetworkLayer layer in layers)
        {
            x = InScope(layer.Forward, x, pass);
            SafePoint.Reach();
        }
        return x;
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        foreach (INetworkLayer layer in layers.Reverse())
        {
            gradient = InScope(layer.Backward, gradient, pass);
            SafePoint.Reach();
        }
        return gradient;
    }

    /// <summary>What the layer makes on its way goes at once.</summary>
    private static Tensor InScope(Func<Tensor, NetworkPass, Tensor> way, Tensor x, NetworkPass pass)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor result = way(x, pass);
        return ReferenceEquals(result, x) ? x : result.MoveToOuterDisposeScope();
    }
}
