using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Networks;

/// <summary>The mean of squares of side x side pixels that don't overlap; pixels beyond the last whole square are left out.</summary>
internal sealed class AveragePool(int side) : INetworkLayer
{
    public Tensor Forward(Tensor x, NetworkPass pass)
    {
        pass.KeepSize(x);
        return F.avg_pool2d(x, [side, side]);
    }

    public Tensor Backward(Tensor gradient, NetworkPass pass)
    {
        long[] whole = pass.RecallSize().Shape;
        long[] size = gradient.shape;
        Tensor spread = gradient.mul(Kept(1.0 / (side * side))).unsqueeze(3).unsqueeze(5)
            .expand(size[0], size[1], size[2], side, size[3], side).reshape(size[0], size[1], size[2] * side, size[3] * side);
        (long below, long right) = (whole[2] - spread.shape[2], whole[3] - spread.shape[3]);
        return below == 0 && right == 0 ? spread : F.pad(spread, [0, right, 0, below]);
    }
}
