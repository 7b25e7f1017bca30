using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Annealing;

/// <summary>
/// b E(x) / T - (1 - b) log p_0(x): what kernels sample at temperature 1 on the way from a base to a model. Stands over a model that others share; b is this object's own,
/// so it is one thread's.
/// </summary>
internal sealed class BridgeEnergy(IEnergyModel model, AnnealingBase from, double temperature) : IEnergyModel
{
    public IReadOnlyDictionary<string, Tensor> Parameters => model.Parameters;

    public int Classes => 0;

    /// <value>b, 0 to 1.</value>
    public double At { get; set; }

    public Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        return Mix(x, model.Energy(x)).MoveToOuterDisposeScope();
    }

    public (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(x);
        return (Mix(x, energy).MoveToOuterDisposeScope(), MixGradient(x, gradient).MoveToOuterDisposeScope());
    }

    /// <summary>Of the model's energies at x, written over.</summary>
    public Tensor Mix(Tensor x, Tensor energies) => energies.mul_(Kept(At / temperature)).add_(from.Energy(x), alpha: Kept(1 - At));

    /// <summary>Of the model's gradients at x, written over.</summary>
    public Tensor MixGradient(Tensor x, Tensor gradients)
    {
        gradients.mul_(Kept(At / temperature));
        from.AddGradient(x, 1 - At, gradients);
        return gradients;
    }

    /// <summary>The model's energies of the mixed ones, written over; b is above 0.</summary>
    public Tensor Unmix(Tensor x, Tensor energies) => energies.sub_(from.Energy(x).mul_(Kept(1 - At))).mul_(Kept(temperature / At));

    /// <summary>The model's gradients of the mixed ones, written over; b is above 0.</summary>
    public Tensor UnmixGradient(Tensor x, Tensor gradients)
    {
        from.AddGradient(x, At - 1, gradients);
        return gradients.mul_(Kept(temperature / At));
    }

    /// <summary>log f_to(x) - log f_from(x) of points with known energies, (n) float64.</summary>
    public Tensor LogRatio(Tensor x, Tensor energies, double steps) =>
        from.Energy(x).sub_(energies.div(Kept(temperature))).mul_(Kept(steps));

    public Tensor? Logits(Tensor x) => null;

    public Tensor? Features(Tensor x) => null;

    public void Dispose()
    {
        // The model belongs to the pool, the base to the walk.
    }
}
