using EbmService.Inference.Numerics;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Networks;

/// <summary>max(x, slope x): leaky ReLU, and ReLU where the slope is 0.</summary>
internal sealed class LeakyRectifier(double slope) : INetworkLayer
{
    /// <value>The slope below 0 of JEM and IGEBM.</value>
    public const double UsualSlope = 0.2;

    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        Tensor result = slope == 0 ? x.relu() : F.leaky_relu(x, slope);
        // Its sign is that of x, and the next layer holds it anyway.
        pass.Keep(result);
        return result;
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        using Tensor result = pass.Recall();
        return LeakyKernel.Backward(gradient, result, slope);
    }
}
