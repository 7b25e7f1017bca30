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

    /// <inheritdoc cref="IEnergyModel.CrossEntropyGradient"/>
    public virtual (Tensor Logits, Tensor Gradient) CrossEntropyGradient(Tensor x, Tensor labels) => CrossEntropyByDifference(this, x, labels);

    /// <summary>Of two gradients of the energy; where the label is nearly certain it loses digits that <see cref="CrossEntropySlope"/> keeps.</summary>
    internal static (Tensor Logits, Tensor Gradient) CrossEntropyByDifference(IEnergyModel model, Tensor x, Tensor labels)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor gradient, marginal;
        using (enable_grad())
            (gradient, marginal) = (model.EnergyAndGradient(x, labels).Gradient, model.EnergyAndGradient(x).Gradient);
        gradient.sub_(marginal);
        return (model.Logits(x)!.MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The gradient of the cross-entropy by the logits: softmax, less one at the label. That entry is summed from the others, so that it keeps its digits where
    /// the label's probability rounds to one: an attack on a confident classifier has nothing else to go by.
    /// </summary>
    /// <returns>(n, classes) float64.</returns>
    internal static Tensor CrossEntropySlope(Tensor logits, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor classes = labels.unsqueeze(1);
        Tensor others = logits.softmax(1).scatter_(1, classes, zeros_like(logits.narrow(1, 0, 1)));
        return others.scatter_(1, classes, others.sum(1, keepdim: true).neg()).MoveToOuterDisposeScope();
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
