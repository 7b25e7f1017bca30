using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>A double well with a barrier of 12 temperatures: chains that start in one well stay there, replicas carry them over.</summary>
public sealed class ReplicaExchangeKernelTests
{
    private const double Barrier = 12;
    private const int Chains = 1000;
    private static readonly double[] Ladder = [1, 2.2, 5, 12];

    [Fact]
    public void Step_WithoutReplicas_StaysInItsWell()
    {
        using IEnergyModel model = Well();
        using ChainState state = ChainRunner.Advance(
            KernelFactory.Create(KernelCases.Temperate(SamplingKernel.Mala, 0.01), model), new ChainStartPoints(full([Chains, 1], 0.9f)), 500, 1);

        // Kramers' rate at this barrier is 7e-5 per unit of time, and 500 steps are 5 units: less than one chain in a thousand crosses.
        Assert.InRange(state.X.gt(0).to(ScalarType.Float32).mean().ToDouble(), 0.995, 1);
    }

    /// <summary>Kernel, step size, steps, bias allowed in E[x^2] in units of the temperature's factor.</summary>
    public static TheoryData<SamplingKernel, double, int, double> Inner => new()
    {
        { SamplingKernel.Mala, 0.01, 600, 0 },
        { SamplingKernel.Hmc, 0.1, 300, 0 },
        { SamplingKernel.Underdamped, 0.08, 600, 0.01 },
        { SamplingKernel.Ula, 0.001, 1500, 0.01 },
    };

    [Theory]
    [MemberData(nameof(Inner))]
    public void Step_WithReplicas_EveryTemperatureHasItsMarginal(SamplingKernel kernel, double stepSize, int steps, double bias)
    {
        using IEnergyModel model = Well();
        SamplingSpec spec = KernelCases.Temperate(kernel, stepSize) with { Hmc = new(3), Tempering = new(Ladder) };

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(full([Chains * Ladder.Length, 1], 0.9f)), steps, 1);

        using Tensor reported = state.Reported(state.X);
        AssertMarginal([.. reported.data<float>()], 1, bias);
        float[] all = state.X.data<float>().ToArray(), factors = state.TemperatureFactors!.data<float>().ToArray();
        foreach (double factor in Ladder)
            AssertMarginal([.. all.Where((_, row) => factors[row] == (float)factor)], factor, bias * factor);
        Assert.Equal(Ladder.Length - 1, state.SwapAttempts!.data<long>().Count(attempts => attempts >= (steps / 2 - 1) * Chains));
        Assert.All(state.SwapAcceptanceSum!.div(state.SwapAttempts).data<float>().ToArray(), rate => Assert.InRange(rate, 0.2f, 0.95f));
    }

    [Fact]
    public void Step_Swaps_KeepOneRowPerTemperatureInEveryChain()
    {
        using IEnergyModel model = Well();
        SamplingSpec spec = KernelCases.Temperate(SamplingKernel.Underdamped, 0.05) with { Tempering = new(Ladder, SwapEvery: 2) };

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(full([40, 1], 0.9f)), 101, 1);

        float[] factors = state.TemperatureFactors!.data<float>().ToArray();
        long[] reported = state.ReportedRows!.data<long>().ToArray();
        for (int chain = 0; chain < 10; chain++)
        {
            Assert.Equal(Ladder.Select(factor => (float)factor), factors.AsSpan(chain * 4, 4).ToArray().Order());
            Assert.InRange(reported[chain], chain * 4, chain * 4 + 3);
            Assert.Equal(1, factors[reported[chain]]);
        }
        Assert.NotEqual([.. Enumerable.Range(0, 10).Select(chain => chain * 4L)], reported);
        // 50 rounds: pairs 0 and 2 in the even ones, pair 1 in the odd.
        Assert.Equal([250L, 250, 250], state.SwapAttempts!.data<long>().ToArray());
    }

    private static void AssertMarginal(float[] x, double temperature, double bias)
    {
        Assert.Equal(Chains, x.Length);
        Moments.AssertMean(0.5, [.. x.Select(value => value > 0 ? 1.0 : 0)]);
        double square = Moments.Quadrature(u => Barrier * Math.Pow(u * u - 1, 2) / temperature, u => u * u, -4, 4);
        Moments.AssertMean(square, [.. x.Select(value => (double)value * value)], bias);
    }

    private static IEnergyModel Well() => EnergyModelFactory.Create(new DoubleWellSpec(Barrier), new Dictionary<string, Tensor>());
}
