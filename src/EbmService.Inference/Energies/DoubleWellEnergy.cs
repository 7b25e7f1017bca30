using EbmService.Core.Models;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Energies;

/// <summary>E(x) = sum_i b (x_i^2 / w^2 - 1)^2 over vectors (n, d): wells at +-w, barrier b between them; a test oracle.</summary>
public sealed class DoubleWellEnergy(DoubleWellArchitecture architecture) : EnergyModel(new Dictionary<string, Tensor>())
{
    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor excess = x.pow(Kept(2)).div(Kept(architecture.Wells * architecture.Wells)).sub(Kept(1));
        return excess.pow(Kept(2)).sum(1).mul(Kept(architecture.Barrier)).MoveToOuterDisposeScope();
    }
}
