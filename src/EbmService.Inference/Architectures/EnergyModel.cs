using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>The common part: gradients by autograd, ownership of the parameters.</summary>
public abstract class EnergyModel(IReadOnlyDictionary<string, Tensor> parameters) : IEnergyModel
{
    public IReadOnlyDictionary<string, Tensor> Parameters { get; } = parameters;

    public virtual int Classes => 0;

    /// <value>
    /// Whether gradients may be written by hand over reordered copies of the parameters: they are on a CPU and nobody trains them here.
    /// A trained model differentiates by autograd, over what its parameters are at the moment.
    /// </value>
    private protected bool HasFixedHostParameters { get; } = parameters.Values.All(parameter =>
        parameter.device_type == DeviceType.CPU && !parameter.requires_grad && parameter.dtype is ScalarType.Float32 or ScalarType.BFloat16);

    public abstract Tensor Energy(Tensor x, Tensor? labels = null);

    public virtual Tensor? Logits(Tensor x) => null;

    public virtual Tensor? Features(Tensor x) => null;

    public virtual (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = x.detach().requires_grad_(true);
        Tensor energy = Energy(input, labels);
        Tensor gradient = NativePrimitives.Gradients(energy.sum(), [input], Parameters)[0];
        return (energy.detach().MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    /// <summary>Brings copies of the parameters up to date after a change in place; nobody may compute meanwhile.</summary>
    internal virtual void RefreshCopies()
    {
    }

    /// <summary>Of a classifier read as a joint energy model: E(x,y) = -f(x)[y] where labels are given, else E(x) = -logsumexp_y f(x)[y]; (n).</summary>
    internal static Tensor EnergyOfLogits(Tensor logits, Tensor? labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logDensity = labels is null ? logits.logsumexp(1) : logits.gather(1, labels.unsqueeze(1)).squeeze(1);
        return logDensity.neg().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        DisposeCopies();
        foreach (Tensor parameter in Parameters.Values)
            parameter.Dispose();
        GC.SuppressFinalize(this);
    }

    protected virtual void DisposeCopies()
    {
    }
}
