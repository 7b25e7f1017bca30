using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Composed;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures.Composed;

/// <summary>Chains over compositions have the moments of the composed density: 8 000 independent chains, within 4 standard errors.</summary>
public sealed class ComposedChainTests
{
    private const int Chains = 8000;

    [Fact]
    public void Step_ProductOfTwoGaussians_HasTheMomentsOfTheirProduct()
    {
        // Precisions 2 and 0.5 * 4 add up to 4; the mean is (2 * 1 + 0.5 * 4 * (-1)) / 4 = 0.
        double[] x = Run(new ComposedSpec([Part(1, 2), Part(-1, 4)], [new(0), new(1, 0.5)]), SamplingKernel.Mala, 0.3, 80);

        Moments.AssertMean(0, x);
        Moments.AssertMean(1.0 / 4, [.. x.Select(value => value * value)]);
    }

    [Fact]
    public void Step_DifferenceOfTwoGaussians_HasTheMomentsOfTheirQuotient()
    {
        // 3 - 1 * 1 leaves precision 2; the mean is (3 * 1 - 1 * 0) / 2.
        double[] x = Run(new ComposedSpec([Part(1, 3), Part(0, 1)], [new(0), new(1, -1)]), SamplingKernel.Hmc, 0.45, 30);

        Moments.AssertMean(1.5, x);
        Moments.AssertMean(1.0 / 2, [.. x.Select(value => (value - 1.5) * (value - 1.5))]);
    }

    [Fact]
    public void Step_MixtureOfTwoGaussians_VisitsBothByTheirMasses()
    {
        // exp(-P (x - m)^2 / 2) has mass sqrt(2 pi / P): 0.25 of the first and 2 of the second, of precisions 1 and 4, weigh 0.25 : 1.
        double[] x = Run(new ComposedSpec([Part(-1, 1), Part(1, 4)], [new(0, 0.25), new(1, 2)], CombineRule.Mixture), SamplingKernel.Mala, 0.4, 400);

        const double First = 0.2, Second = 0.8;
        double mean = Second - First;
        Moments.AssertMean(mean, x);
        Moments.AssertMean(First * (1 + 1) + Second * (1.0 / 4 + 1), [.. x.Select(value => value * value)]);
        Moments.AssertMean(First * (-1 - 3) + Second * (1 + 3.0 / 4), [.. x.Select(value => value * value * value)]);
    }

    private static ComposedPart Part(double mean, double precision) => new(new GaussianSpec([mean], [[precision]]));

    private static double[] Run(ComposedSpec composed, SamplingKernel kernel, double stepSize, int steps)
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = EnergyModelFactory.Create(composed, new Dictionary<string, Tensor>());
        SamplingSpec spec = KernelCases.Temperate(kernel, stepSize) with { Hmc = new(3) };
        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(zeros(Chains, 1)), steps, seed: 12);
        return Moments.Column(state.X.data<float>().ToArray(), 1, 0);
    }
}
