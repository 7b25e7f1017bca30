using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>Gibbs kernels against targets whose states can all be listed; 20 000 independent chains, within 4 standard errors.</summary>
public sealed class DiscreteKernelTests
{
    private const int Chains = 20_000;

    /// <summary>Kernel, architecture's index, temperature, steps.</summary>
    public static TheoryData<SamplingKernel, int, double, int> Targets => new()
    {
        { SamplingKernel.GibbsWithGradients, 0, 1, 80 },
        { SamplingKernel.GibbsWithGradients, 0, 1.6, 80 },
        { SamplingKernel.GibbsWithGradients, 1, 1, 150 },
        { SamplingKernel.GibbsWithGradients, 2, 0.8, 80 },
        { SamplingKernel.BlockedGibbs, 0, 1.6, 25 },
        { SamplingKernel.BlockedGibbs, 1, 1, 40 },
        { SamplingKernel.BlockedGibbs, 5, 1, 60 },
        { SamplingKernel.BlockedGibbs, 6, 1, 60 },
        { SamplingKernel.BlockedGibbs, 7, 1, 60 },
        { SamplingKernel.BlockedGibbs, 8, 1, 60 },
        { SamplingKernel.BlockedGibbs, 8, 1.7, 60 },
        { SamplingKernel.BlockedGibbs, 9, 1, 100 },
        { SamplingKernel.GibbsWithGradients, 5, 1.5, 150 },
        { SamplingKernel.GibbsWithGradients, 8, 1.5, 200 },
        { SamplingKernel.GibbsWithGradients, 6, 1, 150 },
        { SamplingKernel.GibbsWithGradients, 7, 1, 150 },
    };

    [Theory]
    [MemberData(nameof(Targets))]
    public void Step_EnumerableTarget_HasItsMoments(SamplingKernel kernel, int target, double temperature, int steps)
    {
        using DiscreteTarget expected = DiscreteTarget.Create(target, temperature);

        using ChainState state = ChainRunner.Advance(
            Kernel(kernel, expected, temperature), new ChainStartPoints(expected.Ones(Chains)), steps, 3);

        AssertMoments(expected, state);
        using Tensor energy = expected.Model.Energy(state.X);
        Assert.True(energy.allclose(state.Energy, 1e-5, 1e-5));
    }

    [Theory]
    [InlineData(SamplingKernel.GibbsWithGradients, 0)]
    [InlineData(SamplingKernel.GibbsWithGradients, 2)]
    [InlineData(SamplingKernel.BlockedGibbs, 0)]
    [InlineData(SamplingKernel.BlockedGibbs, 5)]
    [InlineData(SamplingKernel.BlockedGibbs, 6)]
    [InlineData(SamplingKernel.BlockedGibbs, 8)]
    public void Step_HeldPart_StaysAndTheRestHasTheConditionalsMoments(SamplingKernel kernel, int target)
    {
        using DiscreteTarget expected = DiscreteTarget.Create(target, 1, held: 3);
        using Tensor start = expected.Ones(Chains);
        // The first numbers; of one-hot variables that is the first of them.
        Tensor mask = tensor([.. Enumerable.Range(0, expected.Length).Select(i => i < 3)]).reshape(expected.Shape);

        using ChainState state = ChainRunner.Advance(
            Kernel(kernel, expected, 1), new ChainStartPoints(start.clone(), HeldMask: mask, HeldValues: start.clone()), 80, 3);

        Assert.Equal(start.flatten(1).slice(1, 0, 3, 1).data<float>().ToArray(), state.X.flatten(1).slice(1, 0, 3, 1).data<float>().ToArray());
        AssertMoments(expected, state);
    }

    /// <summary>Kernel, architecture's index.</summary>
    [Theory]
    [InlineData(SamplingKernel.GibbsWithGradients, 3)]
    [InlineData(SamplingKernel.GibbsWithGradients, 4)]
    public void Step_StationaryStart_FlowsBothWaysEqually(SamplingKernel kernel, int target)
    {
        using DiscreteTarget expected = DiscreteTarget.Create(target, 1);
        int[] before = expected.Draw(200_000, 5);

        using ChainState state = ChainRunner.Advance(Kernel(kernel, expected, 1), new ChainStartPoints(expected.Points(before)), 1, 3);

        Assert.InRange(Flows.LargestImbalance(before, expected.Indices(state.X), expected.Count), 0.5, 4);
    }

    [Fact]
    public void Step_EverythingHeld_NeverMoves()
    {
        using DiscreteTarget target = DiscreteTarget.Create(0, 1);
        using Tensor start = target.Ones(4);

        using ChainState state = ChainRunner.Advance(
            Kernel(SamplingKernel.GibbsWithGradients, target, 1),
            new ChainStartPoints(start.clone(), HeldMask: ones(target.Shape, dtype: ScalarType.Bool), HeldValues: start.clone()), 10, 3);

        Assert.True(state.X.eq(start).all().ToBoolean());
        Assert.Equal(0, state.AcceptanceSum()!.sum().ToDouble());
    }

    [Fact]
    public void Create_ModelThatCannot_IsMisuse()
    {
        using IEnergyModel gaussian = ChainRunner.Quadratic(1);

        Assert.Throws<ArgumentException>("model", () => KernelFactory.Create(KernelCases.Spec("gibbs"), gaussian));
        Assert.Throws<ArgumentException>("variables", () => KernelFactory.Create(KernelCases.Spec("gwg-binary"), gaussian));
    }

    private static void AssertMoments(DiscreteTarget expected, ChainState state)
    {
        float[] points = state.X.flatten(1).data<float>().ToArray();
        int length = expected.Length;
        double[] Values(Func<ReadOnlySpan<float>, double> f) => [.. Enumerable.Range(0, Chains).Select(row => f(points.AsSpan(row * length, length)))];
        for (int i = 0; i < length; i++)
        {
            int at = i;
            Moments.AssertMean(expected.Mean(x => x[at]), Values(x => x[at]), bias: 1e-9);
            Moments.AssertMean(expected.Mean(x => x[at] * x[length / 2]), Values(x => x[at] * x[length / 2]), bias: 1e-9);
        }
        double[] energies = state.Energy.data<double>().ToArray();
        Moments.AssertMean(expected.MeanOfEnergy(energy => energy), energies, bias: 1e-6);
        Moments.AssertMean(expected.MeanOfEnergy(energy => energy * energy), [.. energies.Select(value => value * value)], bias: 1e-6);
    }

    private static IKernel Kernel(SamplingKernel kernel, DiscreteTarget target, double temperature) =>
        KernelFactory.Create(KernelCases.Temperate(kernel) with { Temperature = temperature }, target.Model, target.Variables);
}
