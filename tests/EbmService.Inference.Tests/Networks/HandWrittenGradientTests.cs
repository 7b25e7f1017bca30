using EbmService.Inference.Architectures;
using EbmService.Inference.Tests.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Networks;

/// <summary>The way back that layers write by hand is what autograd makes of their way forward.</summary>
public sealed class HandWrittenGradientTests
{
    public static TheoryData<string, bool> Cases
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (string name in (string[])["wide-resnet-jem/colour", "wide-resnet-jem/deeper", "igebm/colour", "igebm/digits"])
                data.Add(name, false);
            foreach (string name in (string[])["wide-resnet-jem/norm", "igebm/classes"])
            {
                data.Add(name, false);
                data.Add(name, true);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_FrozenParameters_AgreesWithAutograd(string example, bool withLabels)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample each = EnergyCases.Example(example);
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(each, 5);
        using var generator = new Generator(3UL);
        foreach (Tensor parameter in sut.Parameters.Values)
            parameter.copy_(randn(parameter.shape, generator: generator) * 0.3);
        ((EnergyModel)sut).RefreshCopies();
        IEnergyModel trained = EnergyModelFactory.Create(
            each.Spec, sut.Parameters.ToDictionary(pair => pair.Key, pair =>
                pair.Value.clone().requires_grad_(true).DetachFromDisposeScope()));
        Tensor? labels = withLabels ? tensor(new long[] { 1, 0, 1, 1, 0 }) : null;

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x, labels);
        (Tensor expectedEnergy, Tensor expectedGradient) = trained.EnergyAndGradient(x, labels);

        Assert.True(energy.allclose(expectedEnergy, 1e-5, 1e-6));
        double scale = expectedGradient.abs().max().ToDouble();
        Assert.InRange((gradient - expectedGradient).abs().max().ToDouble(), 0, 1e-5 * scale);
        trained.Dispose();
        sut.Dispose();
    }
}
