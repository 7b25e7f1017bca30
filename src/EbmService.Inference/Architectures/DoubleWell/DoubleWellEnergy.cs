using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.DoubleWell;

/// <summary>E(x) = sum_i b (x_i^2 / w^2 - 1)^2 over vectors (n, d): wells at +-w, barrier b between them; a test oracle.</summary>
public sealed class DoubleWellEnergy(DoubleWellSpec spec) : EnergyModel(new Dictionary<string, Tensor>())
{
    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor excess = x.to(ScalarType.Float64).pow(Kept(2)).div(Kept(spec.Wells * spec.Wells)).sub(Kept(1));
        return excess.pow(Kept(2)).sum(1).mul(Kept(spec.Barrier)).MoveToOuterDisposeScope();
    }
}
