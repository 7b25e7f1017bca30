using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Energies;

/// <summary>The common part: gradients by autograd, ownership of the parameters.</summary>
public abstract class EnergyModel(IReadOnlyDictionary<string, Tensor> parameters) : IEnergyModel
{
    public IReadOnlyDictionary<string, Tensor> Parameters { get; } = parameters;

    public virtual int Classes => 0;

    public abstract Tensor Energy(Tensor x, Tensor? labels = null);

    public virtual Tensor? Logits(Tensor x) => null;

    public virtual Tensor? Features(Tensor x) => null;

    public virtual (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = x.detach().requires_grad_(true);
        Tensor energy = Energy(input, labels);
        Tensor gradient = autograd.grad([energy.sum()], [input])[0];
        return (energy.detach().MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        foreach (Tensor parameter in Parameters.Values)
            parameter.Dispose();
        GC.SuppressFinalize(this);
    }
}
