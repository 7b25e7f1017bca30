using EbmService.Inference.Architectures;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>Another energy, and how often and of how many rows it was asked.</summary>
internal sealed class CountingEnergy(IEnergyModel inner) : IEnergyModel
{
    /// <value>Rows of each call.</value>
    public List<long> Calls { get; } = [];

    public IReadOnlyDictionary<string, Tensor> Parameters => inner.Parameters;

    public int Classes => inner.Classes;

    public Tensor Energy(Tensor x, Tensor? labels = null)
    {
        Calls.Add(x.shape[0]);
        return inner.Energy(x, labels);
    }

    public (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        Calls.Add(x.shape[0]);
        return inner.EnergyAndGradient(x, labels);
    }

    public Tensor? Logits(Tensor x) => inner.Logits(x);

    public Tensor? Features(Tensor x) => inner.Features(x);

    public void Dispose() => inner.Dispose();
}
