using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Ring;

/// <summary>E(x) = (|x| - radius)^2 / (2 width^2) over vectors (n, d): a ring or shell; the gradient at the origin is 0. A test oracle.</summary>
public sealed class RingEnergy(RingSpec spec) : EnergyModel(new Dictionary<string, Tensor>())
{
    private readonly double _precision = 1 / (spec.Width * spec.Width);

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        return x.to(ScalarType.Float64).norm(1).sub_(Kept(spec.Radius)).pow(Kept(2)).mul_(Kept(_precision / 2)).MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor radius = x.to(ScalarType.Float64).norm(1, keepdim: true);
        Tensor excess = radius.sub(Kept(spec.Radius));
        Tensor slope = excess.mul(Kept(_precision)).div_(radius.clamp(min: Kept(float.Epsilon))).masked_fill_(radius.eq(Kept(0)), Kept(0));
        return (excess.pow(Kept(2)).mul_(Kept(_precision / 2)).squeeze(1).MoveToOuterDisposeScope(), x.mul(slope.to(ScalarType.Float32)).MoveToOuterDisposeScope());
    }
}
