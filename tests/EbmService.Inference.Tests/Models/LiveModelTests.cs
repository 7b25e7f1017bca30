using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Architectures;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Models;

public sealed class LiveModelTests
{
    [Fact]
    public void In_Bfloat16AfterAFailedAttempt_TriesAgain()
    {
        (ArchitectureSpec architecture, InputSchema input) = EnergyCases.Describe("conv-jem");
        var descriptor = new ModelDescriptor { Name = "m", Title = "m", Architecture = architecture, Input = input, Labels = ["a", "b", "c"] };
        using var energy = new RefusingOnce(EnergyCases.Create("conv-jem").Model);
        var hosted = new HostedModel { Key = new("m", "1"), State = ModelState.Ready, Descriptor = descriptor };
        using var sut = new LiveModel(hosted, energy, CPU, null, null);

        Assert.Throws<OutOfMemoryException>(() => sut.In(SamplingPrecision.Bfloat16));
        IEnergyModel made = sut.In(SamplingPrecision.Bfloat16);

        Assert.NotSame(energy, made);
        Assert.Same(made, sut.In(SamplingPrecision.Bfloat16));
    }

    private sealed class RefusingOnce(IEnergyModel inner) : IEnergyModel
    {
        private int _asked;

        public IReadOnlyDictionary<string, Tensor> Parameters => _asked++ == 0 ? throw new OutOfMemoryException("not now") : inner.Parameters;

        public int Classes => inner.Classes;

        public Tensor Energy(Tensor x, Tensor? labels = null) => inner.Energy(x, labels);

        public (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null) => inner.EnergyAndGradient(x, labels);

        public Tensor? Logits(Tensor x) => inner.Logits(x);

        public Tensor? Features(Tensor x) => inner.Features(x);

        public void Dispose() => inner.Dispose();
    }
}
