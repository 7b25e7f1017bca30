using EbmService.Core.Models;
using EbmService.Inference.Energies;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Energies;

/// <summary>Contract over all architectures; a new one gets a case here.</summary>
public sealed class EnergyModelTests
{
    public static TheoryData<string> Cases => ["conv-jem", "mlp", "gaussian", "double-well", "ring", "ising", "potts"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Energy_Batch_GivesOneNumberPerRow(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(kind);

        Tensor energy = sut.Energy(x);

        Assert.Equal([x.shape[0]], energy.shape);
        Assert.Equal(ScalarType.Float32, energy.dtype);
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_Direction_MatchesTheDifferenceQuotient(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(kind);
        using var generator = new Generator(5UL);
        Tensor direction = randn(x.shape, generator: generator);
        const double Step = 1e-2;

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);

        // Central difference in float32: truncation O(h^2) and rounding O(eps E / h), both below 1 % of these slopes.
        double slope = (sut.Energy(x + direction * Step) - sut.Energy(x - direction * Step)).sum().ToDouble() / (2 * Step);
        double expected = (gradient * direction).sum().ToDouble();
        Assert.Equal(expected, slope, Math.Max(0.01 * Math.Abs(expected), 2e-3));
        Assert.True(energy.eq(sut.Energy(x)).all().ToBoolean() || energy.allclose(sut.Energy(x), 1e-5, 1e-6));
        Assert.False(energy.requires_grad);
        Assert.False(gradient.requires_grad);
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_Repeated_KeepsNoTensors(string kind)
    {
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(kind);
        sut.EnergyAndGradient(x).Energy.Dispose();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 20; i++)
        {
            (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);
            energy.Dispose();
            gradient.Dispose();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        sut.Dispose();
    }

    [Fact]
    public void Energy_Jem_IsMinusLogSumExpOfLogitsAndMinusTheLabelsLogit()
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create("conv-jem");
        float[] logits = sut.Logits(x)!.data<float>().ToArray();
        Tensor labels = tensor(new long[] { 2, 0, 1 });

        float[] marginal = sut.Energy(x).data<float>().ToArray();
        float[] joint = sut.Energy(x, labels).data<float>().ToArray();

        for (int row = 0; row < 3; row++)
        {
            double logSum = Math.Log(Enumerable.Range(0, 3).Sum(y => Math.Exp(logits[row * 3 + y])));
            Assert.Equal(-logSum, marginal[row], 1e-5);
        }
        Assert.Equal([-logits[2], -logits[3], -logits[7]], joint);
        sut.Dispose();
    }

    [Fact]
    public void Energy_Gaussian_IsTheQuadraticForm()
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel sut = EnergyModelFactory.Create(
            new GaussianArchitecture([1, -1], [[2, 0.5], [0.5, 1]]), new Dictionary<string, Tensor>());

        // (x - m) = (2, 1): (2*4 + 2*0.5*2*1 + 1*1) / 2 = 5.5.
        Assert.Equal(5.5f, sut.Energy(tensor(new[] { 3f, 0f }, [1, 2])).item<float>());
    }

    [Fact]
    public void Energy_DoubleWell_IsZeroInTheWellsAndTheBarrierBetween()
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel sut = EnergyModelFactory.Create(new DoubleWellArchitecture(Barrier: 3, Wells: 2), new Dictionary<string, Tensor>());

        float[] energy = sut.Energy(tensor(new[] { 2f, -2f, 0f, 2f }, [2, 2])).data<float>().ToArray();

        Assert.Equal([0f, 3f], energy);
    }

    [Fact]
    public void ParameterShapes_ConvolutionalJem_FollowTheLayers()
    {
        var architecture = new ConvolutionalJemArchitecture([new(16, 3), new(32, 4, 2)], 10);

        IReadOnlyDictionary<string, long[]> shapes = EnergyModelFactory.ParameterShapes(
            architecture, new InputSchema(InputKind.Image, [1, 28, 28], -1, 1));

        Assert.Equal([32, 16, 4, 4], shapes["layers.1.weight"]);
        Assert.Equal([10, 32 * 14 * 14], shapes["head.weight"]);
    }
}
