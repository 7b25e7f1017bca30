using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Models;
using EbmService.Inference.Tests.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>What energies keep where hidden layers are coarse or energies large.</summary>
public sealed class EnergyPrecisionTests
{
    /// <summary>About a million; float32 has steps of 1/8 there. A power of two, so that float64 loses twenty bits and no more.</summary>
    private const double Offset = 1 << 20;

    /// <summary>Rounded to bfloat16, energies near 100 would come in steps of a half.</summary>
    [Theory]
    [InlineData("conv-jem", "head.bias")]
    [InlineData("mlp", "layers.2.bias")]
    public void Energy_BFloat16FarFromZero_IsNoStaircase(string kind, string bias)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example(kind);
        (IEnergyModel shared, Tensor x) = EnergyCases.Create(example, 64);
        Tensor near = EnergyModelFactory.Frozen(example.Spec, shared.Parameters, ScalarType.BFloat16).EnergyAndGradient(x).Energy;
        shared.Parameters[bias].add_(100);
        IEnergyModel sut = EnergyModelFactory.Frozen(example.Spec, shared.Parameters, ScalarType.BFloat16);

        foreach (Tensor far in new[] { sut.Energy(x), sut.EnergyAndGradient(x).Energy })
        {
            // The bias itself is float32: near 100 its own rounding is 4e-6.
            double shift = far[0].sub(near[0]).ToDouble();
            Assert.Equal(100, Math.Abs(shift), 1e-4);
            Assert.True(far.sub(near).sub(shift).abs().max().ToDouble() < 1e-4);
        }
    }

    [Theory]
    [InlineData("mala")]
    [InlineData("mala-warmup")]
    [InlineData("hmc")]
    [InlineData("hmc-warmup")]
    [InlineData("gwg-binary")]
    [InlineData("gwg-categorical")]
    [InlineData("tempered-ula")]
    [InlineData("tempered-mala")]
    [InlineData("tempered-hmc-warmup")]
    public void Step_EnergiesOfAMillion_AcceptAsIfTheyWereSmall(string name)
    {
        (IEnergyModel small, Func<ChainStartPoints> start) = KernelCases.Problem(name);
        using IEnergyModel large = new RaisedEnergy(small, Offset);

        using ChainState expected = ChainRunner.Advance(KernelCases.Create(name, small), start(), 100, 5);
        using ChainState sut = ChainRunner.Advance(KernelCases.Create(name, large), start(), 100, 5);

        Assert.True(sut.X.eq(expected.X).all().ToBoolean());
        Assert.True(sut.Energy.sub(expected.Energy).sub(Offset).abs().max().ToDouble() < 1e-9);
        if (sut.Replicas is { } replicas)
            Assert.True(replicas.SwapAcceptanceSum.allclose(expected.Replicas!.SwapAcceptanceSum, 1e-5, 1e-5));
        if (sut is MetropolisState metropolis)
            Assert.True(metropolis.AcceptanceSum.allclose(((MetropolisState)expected).AcceptanceSum, 1e-5, 1e-5));
    }

    /// <summary>E-BFMI is made of changes of the Hamiltonian.</summary>
    [Fact]
    public void Record_HamiltoniansOfAMillion_GiveTheEnergyChangesOfSmallOnes()
    {
        using IEnergyModel small = ChainRunner.Quadratic(1, 2);
        using IEnergyModel large = new RaisedEnergy(small, Offset);

        Assert.Equal(Ebfmi(small), Ebfmi(large), 1e-6);

        static double Ebfmi(IEnergyModel model)
        {
            IKernel kernel = KernelCases.Create("hmc", model);
            using var generator = new Generator(3UL);
            using ChainState state = kernel.Init(new ChainStartPoints(full([1, 2], 0.5f)));
            var sut = new EnergyChanges(1, 0);
            for (int step = 0; step < 50; step++)
            {
                kernel.Step(state, generator);
                sut.Record(state);
            }
            return sut.Smallest!.Value;
        }
    }

    [Fact]
    public void Step_EnergyBeyondFloat32_FreezesTheRow()
    {
        using IEnergyModel small = ChainRunner.Quadratic(1, 2);
        using IEnergyModel large = new RaisedEnergy(small, 1e39);

        foreach (string name in new[] { "sgld", "mala", "underdamped" })
        {
            using ChainState sut = ChainRunner.Advance(KernelCases.Create(name, large), new ChainStartPoints(full([2, 2], 0.5f)), 3, 1);

            Assert.False(sut.Alive.any().ToBoolean());
            Assert.True(sut.X.eq(0.5).all().ToBoolean());
        }
    }

    [Theory]
    [InlineData(SamplingPrecision.Bfloat16, true)]
    [InlineData(SamplingPrecision.Float32, false)]
    public void Describe_Precision_IsNamedWhereItIsNotTheWeights(SamplingPrecision precision, bool named)
    {
        SamplingSpec spec = SamplingSpecs.Create(1, 10, 1) with { Kernel = SamplingKernel.Mala, Noise = null, Temperature = 1, Precision = precision };

        Assert.Equal(named, SamplingTarget.Describe(spec, 10, new ModelCapabilities()).Contains("bfloat16", StringComparison.Ordinal));
    }

    /// <summary>The same model, higher by a number.</summary>
    private sealed class RaisedEnergy(IEnergyModel inner, double offset) : EnergyModel(new Dictionary<string, Tensor>())
    {
        public override Tensor Energy(Tensor x, Tensor? labels = null)
        {
            using Tensor energy = inner.Energy(x, labels);
            return energy.add(offset);
        }

        public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
        {
            (Tensor energy, Tensor gradient) = inner.EnergyAndGradient(x, labels);
            using (energy)
                return (energy.add(offset), gradient);
        }
    }
}
