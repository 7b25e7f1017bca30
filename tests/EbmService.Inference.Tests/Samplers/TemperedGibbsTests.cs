using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Architectures.Ising;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>
/// Replicas of discrete chains on machines of two modes, against sums over all states. What a replica samples is not the same for both kernels: blocked Gibbs of a restricted
/// machine tempers its hidden units too, Gibbs with gradients takes the free energy as it is.
/// </summary>
public sealed class TemperedGibbsTests
{
    private const int Chains = 1000;
    private const int Visible = 6;
    private const int Held = 4;
    private const int Free = 6;
    private const float Weight = 4;
    private const float FreeWeight = 3;
    private static readonly double[] Ladder = [1, 1.6, 2.6, 4.2, 7];

    /// <summary>
    /// All couplings pull alike, and biases put both modes, all off and all on, at about the same weight. Where all is off some hidden units are free: their 64 states count
    /// at any temperature where those are drawn too, but only as a share of the free energy where they are not.
    /// </summary>
    private static readonly float[] VisibleBias = [.. Enumerable.Range(0, Visible).Select(i => -Weight * Held / 2 - FreeWeight * Free + 0.65f - 0.02f * i)];

    [Theory]
    [InlineData(SamplingKernel.BlockedGibbs)]
    [InlineData(SamplingKernel.GibbsWithGradients)]
    public void Step_WithoutReplicas_StaysInItsMode(SamplingKernel kernel)
    {
        using IEnergyModel model = Machine();
        using ChainState state = ChainRunner.Advance(
            KernelFactory.Create(KernelCases.Temperate(kernel), model, VariableKind.Binary), new ChainStartPoints(ones(Chains, Visible)), 400, 1);

        Assert.InRange(state.X.sum([1]).gt(Visible / 2.0).to(ScalarType.Float32).mean().ToDouble(), 0.97, 1);
        Assert.InRange(Mean(1, LogOfGibbs, IsOn), 0.2, 0.5);
    }

    /// <summary>Kernel, steps.</summary>
    public static TheoryData<SamplingKernel, int> Kernels => new() { { SamplingKernel.BlockedGibbs, 400 }, { SamplingKernel.GibbsWithGradients, 500 } };

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Step_WithReplicas_EveryTemperatureHasItsMarginals(SamplingKernel kernel, int steps)
    {
        using IEnergyModel model = Machine();
        SamplingSpec spec = KernelCases.Temperate(kernel) with { Tempering = new(Ladder) };
        Func<float[], double, double> log = kernel == SamplingKernel.BlockedGibbs ? LogOfGibbs : (v, beta) => beta * LogOfGibbs(v, 1);

        using ChainState state = ChainRunner.Advance(
            KernelFactory.Create(spec, model, VariableKind.Binary), new ChainStartPoints(ones(Chains * Ladder.Length, Visible)), steps, 1);

        using Tensor reported = state.Reported(state.X);
        AssertMarginals([.. reported.data<float>().ToArray().Chunk(Visible)], 1, log);
        float[][] all = [.. state.X.data<float>().ToArray().Chunk(Visible)];
        float[] factors = state.Replicas!.Factors.data<float>().ToArray();
        foreach (double factor in Ladder)
            AssertMarginals([.. all.Where((_, row) => factors[row] == (float)factor)], 1 / factor, log);
        Assert.All(state.Replicas.SwapAcceptanceSum.div(state.Replicas.SwapAttempts).data<float>().ToArray(), rate => Assert.InRange(rate, 0.1f, 0.95f));
        // The two kernels' targets are far from each other.
        Assert.True(Mean(1 / Ladder[^1], LogOfGibbs, IsOn) < 0.15 && Mean(1 / Ladder[^1], (v, beta) => beta * LogOfGibbs(v, 1), IsOn) > 0.45);
    }

    /// <summary>A model that sums nothing out: blocks and all else sample exp(-E / T).</summary>
    [Fact]
    public void Step_WithReplicasOfALattice_EveryTemperatureHasItsMarginals()
    {
        using IEnergyModel model = EnergyModelFactory.Create(new IsingSpec(1.1, -0.02), new Dictionary<string, Tensor>());
        SamplingSpec spec = KernelCases.Temperate(SamplingKernel.BlockedGibbs) with { Tempering = new(Ladder) };

        using ChainState state = ChainRunner.Advance(
            KernelFactory.Create(spec, model, VariableKind.Binary), new ChainStartPoints(ones(Chains * Ladder.Length, 3, 3)), 400, 1);

        float[][] all = [.. state.X.data<float>().ToArray().Chunk(9)];
        float[] factors = state.Replicas!.Factors.data<float>().ToArray();
        foreach (double factor in Ladder)
        {
            using DiscreteTarget expected = DiscreteTarget.Lattice(new IsingSpec(1.1, -0.02), factor);
            float[][] rows = [.. all.Where((_, row) => factors[row] == (float)factor)];
            foreach (int unit in new[] { 0, 4 })
                Moments.AssertMean(expected.Mean(x => x[unit]), [.. rows.Select(row => (double)row[unit])]);
            Moments.AssertMean(expected.Mean(x => x[0] * x[8]), [.. rows.Select(row => (double)row[0] * row[8])]);
        }
    }

    [Fact]
    public void Step_HeldUnits_StayInEveryReplicaAndTheRestHasTheConditional()
    {
        using IEnergyModel model = Machine();
        SamplingSpec spec = KernelCases.Temperate(SamplingKernel.BlockedGibbs) with { Tempering = new(Ladder) };
        Tensor mask = tensor([.. Enumerable.Range(0, Visible).Select(i => i < 2)]), start = ones(Chains * Ladder.Length, Visible);
        start[TensorIndex.Ellipsis, 1] = 0f;

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model, VariableKind.Binary),
            new ChainStartPoints(start.clone(), HeldMask: mask, HeldValues: start.clone()), 400, 1);

        Assert.True(state.X.slice(1, 0, 2, 1).eq(start.slice(1, 0, 2, 1)).all().ToBoolean());
        float[][] all = [.. state.X.data<float>().ToArray().Chunk(Visible)];
        float[] factors = state.Replicas!.Factors.data<float>().ToArray();
        foreach (double factor in Ladder)
        {
            double Conditional(float[] v, double beta) => v[0] == 1 && v[1] == 0 ? LogOfGibbs(v, beta) : double.NegativeInfinity;
            AssertMarginals([.. all.Where((_, row) => factors[row] == (float)factor)], 1 / factor, Conditional, from: 2);
        }
    }

    private static void AssertMarginals(float[][] rows, double beta, Func<float[], double, double> log, int from = 0)
    {
        Assert.Equal(Chains, rows.Length);
        Moments.AssertMean(Mean(beta, log, IsOn), [.. rows.Select(IsOn)]);
        for (int unit = from; unit < Visible; unit++)
        {
            int at = unit;
            Moments.AssertMean(Mean(beta, log, v => v[at]), [.. rows.Select(row => (double)row[at])]);
        }
    }

    private static double IsOn(float[] v) => v.Sum() > Visible / 2.0 ? 1 : 0;

    private static double Mean(double beta, Func<float[], double, double> log, Func<float[], double> f)
    {
        float[][] states = [.. Enumerable.Range(0, 1 << Visible).Select(state => (float[])[.. Enumerable.Range(0, Visible).Select(i => state >> i & 1)])];
        double[] weights = [.. states.Select(state => Math.Exp(log(state, beta)))];
        return states.Zip(weights, (state, weight) => weight * f(state)).Sum() / weights.Sum();
    }

    /// <summary>log sum_h exp(-beta E(v, h)), hidden states listed.</summary>
    private static double LogOfGibbs(float[] v, double beta)
    {
        double visible = v.Zip(VisibleBias, (unit, bias) => (double)unit * bias).Sum();
        double held = Weight * (v.Sum() - Visible / 2.0), free = FreeWeight * v.Sum();
        return Math.Log(Enumerable.Range(0, 1 << (Held + Free)).Sum(h =>
            Math.Exp(beta * (visible + int.PopCount(h & ((1 << Held) - 1)) * held + int.PopCount(h >> Held) * free))));
    }

    private static IEnergyModel Machine() => EnergyModelFactory.Create(new RbmSpec(Held + Free), new Dictionary<string, Tensor>
    {
        ["weight"] = cat([full([Held, Visible], Weight), full([Free, Visible], FreeWeight)]),
        ["visible.bias"] = tensor(VisibleBias),
        ["hidden.bias"] = cat([full([Held], -Weight * Visible / 2), zeros(Free)]),
    });
}
