using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Samplers;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>What the warm-up reaches, from first steps that are far too small or too large.</summary>
public sealed class AdaptationTests
{
    private const int Warmup = 400;
    private const int Rows = 32;

    [Theory]
    [InlineData(SamplingKernel.Mala, 1e-4, 0.574)]
    [InlineData(SamplingKernel.Mala, 30, 0.574)]
    [InlineData(SamplingKernel.Mala, 0.1, 0.8)]
    [InlineData(SamplingKernel.Hmc, 1e-3, 0.8)]
    [InlineData(SamplingKernel.Hmc, 30, 0.8)]
    [InlineData(SamplingKernel.Hmc, 0.1, 0.9)]
    public void Step_AfterTheWarmup_AcceptsAsAsked(SamplingKernel kernel, double first, double target)
    {
        // On a Gaussian the acceptance of HMC jumps at the largest stable step and need not take the value asked for; here curvatures vary.
        using IEnergyModel model = EnergyModelFactory.Create(new DoubleWellSpec(1), new Dictionary<string, Tensor>());
        using ChainState state = Run(kernel, model, first, target, 10, Warmup + 200, adaptMass: false);

        // The averaged step still wanders by a few per cent; Monte Carlo error of the mean over 6 400 transitions is 0.005.
        Assert.Equal(target, state.AcceptanceSum!.mean().item<float>() / 200, 0.05);
        Assert.Equal(Rows, state.Alive.sum().item<long>());
    }

    [Fact]
    public void Step_AfterTheWarmup_KeepsStepSizeAndMass()
    {
        using IEnergyModel model = ChainRunner.Quadratic(1, 3);
        using ChainState ended = Run(SamplingKernel.Hmc, model, 0.1, 0.8, 3, Warmup);
        using ChainState later = Run(SamplingKernel.Hmc, model, 0.1, 0.8, 3, Warmup + 50);

        Assert.Equal(ended.StepSize!.Current.item<float>(), later.StepSize!.Current.item<float>());
        Assert.Equal(ended.Mass!.Scale.data<float>().ToArray(), later.Mass!.Scale.data<float>().ToArray());
        Assert.Equal(0, ended.AcceptanceSum!.sum().item<float>());
    }

    [Theory]
    [InlineData(1.0, null)]
    [InlineData(0.04, null)]
    [InlineData(1.0, 2)]
    public void Step_ScalesFarApart_MassFollowsTheVariances(double temperature, int? heldNumber)
    {
        // Standard deviations 0.03 to 30 at temperature 1.
        double[] deviations = [0.03, 1, 30];
        using IEnergyModel model = Diagonal(deviations);
        SamplingSpec spec = KernelCases.Temperate(SamplingKernel.Hmc, 0.01, Warmup) with { Hmc = new(10), Temperature = temperature };
        ChainStartPoints start = ChainRunner.HeldStart(Rows, 3, [0, 0, 0], heldNumber ?? 0, heldNumber + 1 ?? 0);

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), start, Warmup + 100, 2);

        float[] scale = state.Mass!.Scale.data<float>().ToArray();
        for (int i = 0; i < 3; i++)
            Assert.Equal(1, scale[i] / (i == heldNumber ? 1 : deviations[i]), 0.2);
        // Without the mass the smallest scale would set a step of a thousandth of the largest.
        Assert.InRange(state.StepSize!.Current.item<float>(), 0.3f, 2.5f);
        Assert.InRange(state.AcceptanceSum!.mean().item<float>() / 100, 0.65f, 0.95f);
    }

    [Fact]
    public void Step_Tempered_PoolsRowsByTheirTemperature()
    {
        using IEnergyModel model = ChainRunner.Quadratic(1, 4);
        SamplingSpec spec = KernelCases.Temperate(SamplingKernel.Hmc, 0.1, Warmup) with { Hmc = new(3), Tempering = new([1, 3, 9, 27]) };

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(zeros(Rows, 4)), Warmup + 1, 2);

        Assert.All(state.Mass!.Scale.data<float>().ToArray(), scale => Assert.Equal(1, scale, 0.1));
    }

    [Fact]
    public void Step_NarrowFunnel_ReportsDivergences()
    {
        // Precisions 1 and 1e8 with a step made for the first: the leapfrog leaves the energy in the second.
        using IEnergyModel model = EnergyModelFactory.Create(
            new GaussianSpec([0, 0], [[1, 0], [0, 1e8]]), new Dictionary<string, Tensor>());
        SamplingSpec spec = KernelCases.Temperate(SamplingKernel.Hmc, 0.5, warmup: 10) with { Hmc = new(5, AdaptMass: false), Steps = 30 };
        IKernel sut = KernelFactory.Create(spec with { Warmup = 0 }, model);
        using ChainState state = ChainRunner.Advance(sut, new ChainStartPoints(zeros(4, 2)), 30, 2);
        using ChainState warming = ChainRunner.Advance(KernelFactory.Create(spec with { Warmup = 30 }, model), new ChainStartPoints(zeros(4, 2)), 30, 2);

        Assert.Equal(120, state.DivergentTransitions!.sum().item<long>());
        Assert.True(state.Alive.all().item<bool>());
        Assert.Equal(0, state.X.abs().sum().item<float>());
        Assert.Equal(0, warming.DivergentTransitions!.sum().item<long>());
    }

    [Fact]
    public void WarmupWindows_FollowStan()
    {
        var sut = new WarmupWindows(500);

        // 75 steps, windows of 25, 50, 100 and 200, 50 steps.
        Assert.Equal([99, 149, 249, 449], Enumerable.Range(0, 500).Where(sut.EndsAt));
        Assert.Equal(Enumerable.Range(75, 375), Enumerable.Range(0, 500).Where(sut.Collects));
        Assert.Equal([1, 100, 1, 50, 1, 50], new[] { 0, 99, 100, 149, 450, 499 }.Select(sut.RoundOf));
        // Shorter ones have one window, and the shortest none.
        Assert.Equal([89], Enumerable.Range(0, 100).Where(new WarmupWindows(100).EndsAt));
        Assert.DoesNotContain(true, Enumerable.Range(0, 19).Select(new WarmupWindows(19).Collects));
        // A window that would leave too little goes to the end.
        Assert.Equal([99, 149, 949], Enumerable.Range(0, 1000).Where(new WarmupWindows(1000).EndsAt).Where((_, i) => i is 0 or 1 or 4));
    }

    private static ChainState Run(SamplingKernel kernel, IEnergyModel model, double first, double target, int dimension, int steps, bool adaptMass = true)
    {
        SamplingSpec spec = KernelCases.Temperate(kernel, first, Warmup) with { Mala = new(target), Hmc = new(5, target, adaptMass) };
        return ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(zeros(Rows, dimension)), steps, 5);
    }

    private static IEnergyModel Diagonal(double[] deviations)
    {
        double[][] precision = [.. deviations.Select((deviation, i) => deviations.Select((_, j) => i == j ? 1 / (deviation * deviation) : 0).ToArray())];
        return EnergyModelFactory.Create(new GaussianSpec(new double[deviations.Length], precision), new Dictionary<string, Tensor>());
    }
}
