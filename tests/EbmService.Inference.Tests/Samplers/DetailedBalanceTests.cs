using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Samplers;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>
/// From independent draws of a double well, one step moves as many chains from each of six cells to each other as back, within 4 standard errors. The
/// unadjusted algorithm with the same step does not: the test has the power to see it.
/// </summary>
public sealed class DetailedBalanceTests
{
    [Theory]
    [InlineData(SamplingKernel.Mala, 0.15, false)]
    [InlineData(SamplingKernel.Mala, 0.15, true)]
    [InlineData(SamplingKernel.Hmc, 0.35, false)]
    [InlineData(SamplingKernel.Hmc, 0.35, true)]
    public void Step_ExactKernel_FlowsBothWaysEqually(SamplingKernel kernel, double stepSize, bool box) =>
        Assert.InRange(Imbalance(kernel, stepSize, box), 0.1, 4);

    [Fact]
    public void Step_UnadjustedKernel_DoesNot() => Assert.True(Imbalance(SamplingKernel.Ula, 0.15, box: false) > 6);

    private static double Imbalance(SamplingKernel kernel, double stepSize, bool box)
    {
        const double Barrier = 1.5;
        (double low, double high) = box ? (-1.2, 0.9) : (-3, 3);
        using IEnergyModel model = EnergyModelFactory.Create(new DoubleWellSpec(Barrier), new Dictionary<string, Tensor>());
        float[] x = Moments.Draw(u => Barrier * Math.Pow(u * u - 1, 2), low, high, 200_000, 4);
        SamplingSpec spec = KernelCases.Temperate(kernel, stepSize) with { Hmc = new(3) };
        if (box)
            spec = spec with { StateClamp = new(StateClampKind.Range, low, high) };

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(tensor(x, [x.Length, 1])), 1, 8);

        return Flows.LargestImbalance(Cells(x), Cells(state.X.data<float>().ToArray()), 6);
    }

    private static int[] Cells(float[] x) => [.. x.Select(value => value < -1 ? 0 : value < -0.6 ? 1 : value < 0 ? 2 : value < 0.6 ? 3 : value < 1 ? 4 : 5)];
}
