using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Potts;

/// <summary>
/// The Potts model on a ring of one-hot variables x (n, variables, categories): E = -coupling sum_i x_i . x_(i+1) - sum_i field . x_i; the same
/// polynomial gives gradients between.
/// </summary>
public sealed class PottsEnergy(PottsSpec spec, Device? device = null)
    : EnergyModel(Constants(spec, device ?? CPU))
{
    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor pull = x.roll(-1, 1).mul(Kept(spec.Coupling));
        return WithField(pull).mul(x).flatten(1).sum([1], type: ScalarType.Float64).neg().MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor next = x.roll(-1, 1).mul_(Kept(spec.Coupling));
        Tensor energy = WithField(next).mul(x).flatten(1).sum([1], type: ScalarType.Float64).neg_();
        Tensor gradient = WithField(next.add_(x.roll(1, 1), alpha: Kept(spec.Coupling))).neg();
        return (energy.MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    private Tensor WithField(Tensor pull) => Parameters.TryGetValue("field", out Tensor? field) ? pull.add(field, Kept(1)) : pull;

    private static Dictionary<string, Tensor> Constants(PottsSpec spec, Device device) => spec.Field is { Count: > 0 } field
        ? new() { ["field"] = tensor([.. field.Select(value => (float)value)], device: device).DetachFromDisposeScope() }
        : [];
}
