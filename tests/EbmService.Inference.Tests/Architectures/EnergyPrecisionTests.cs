using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>What energies keep where hidden layers are coarse or energies large.</summary>
public sealed class EnergyPrecisionTests
{
    private const double Offset = 1e6;

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
    [InlineData(SamplingKernel.Mala)]
    [InlineData(SamplingKernel.Hmc)]
    public void Step_EnergiesOfAMillion_AcceptAsIfTheyWereSmall(SamplingKernel kernel)
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel small = EnergyModelFactory.Create(new DoubleWellSpec(1), new Dictionary<string, Tensor>());
        using IEnergyModel large = new Raised(small);
        SamplingSpec spec = KernelCases.Temperate(kernel, 0.3, warmup: 0);

        using ChainState expected = ChainRunner.Advance(KernelFactory.Create(spec, small), new ChainStartPoints(full([64, 2], 1f)), 100, 5);
        using ChainState sut = ChainRunner.Advance(KernelFactory.Create(spec, large), new ChainStartPoints(full([64, 2], 1f)), 100, 5);

        Assert.True(expected.Acceptance!.lt(0.999).any().ToBoolean());
        Assert.True(sut.X.eq(expected.X).all().ToBoolean());
    }

    /// <summary>The same model, a million higher.</summary>
    private sealed class Raised(IEnergyModel inner) : EnergyModel(new Dictionary<string, Tensor>())
    {
        public override Tensor Energy(Tensor x, Tensor? labels = null)
        {
            using Tensor energy = inner.Energy(x, labels);
            return energy.add(Offset);
        }

        public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
        {
            (Tensor energy, Tensor gradient) = inner.EnergyAndGradient(x, labels);
            using (energy)
                return (energy.add(Offset), gradient);
        }
    }
}
