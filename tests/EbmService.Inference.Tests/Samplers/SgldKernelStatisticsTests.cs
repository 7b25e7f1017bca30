using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Architectures.Gaussian;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>
/// The unadjusted chain on E = k x^2 / 2 is a linear recursion, so its stationary variance is known exactly, step-size bias
/// included. 20 000 independent chains: the standard error of a variance is sqrt(2/n) = 1 % of it; tolerance 4 of those.
/// </summary>
public sealed class SgldKernelStatisticsTests
{
    private const int Chains = 20_000;
    private const double Tolerance = 0.04;

    [Theory]
    [InlineData(1.0, 0.1, 0.3)]
    [InlineData(2.0, 0.5, 0.2)]
    [InlineData(0.5, 1.0, 1.0)]
    [InlineData(1.0, 1.5, 0.4)]
    public void Step_GradientFirst_HasTheClosedFormVariance(double k, double a, double s)
    {
        var recipe = new SgldRecipe { Steps = StepsToForget(a * k), StepSize = a, Noise = s };

        double variance = Variance(k, recipe);

        Assert.Equal(1, variance / (s * s / (a * k * (2 - a * k))), Tolerance);
    }

    [Theory]
    [InlineData(1.0, 0.1, 0.3)]
    [InlineData(2.0, 0.2, 0.5)]
    public void Step_NoiseFirst_HasTheClosedFormVariance(double k, double a, double s)
    {
        var recipe = new SgldRecipe { Steps = StepsToForget(a * k), StepSize = a, Noise = s, Order = UpdateOrder.NoiseFirst };

        double variance = Variance(k, recipe);

        // x <- (1 - ak)(x + s xi): Var = (1 - ak)^2 s^2 / (1 - (1 - ak)^2).
        double contraction = (1 - a * k) * (1 - a * k);
        Assert.Equal(1, variance / (contraction * s * s / (1 - contraction)), Tolerance);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.25)]
    public void Step_Temperature_SetsTheNoise(double temperature)
    {
        const double Step = 0.05;
        var recipe = new SgldRecipe { Steps = StepsToForget(Step), StepSize = Step, Temperature = temperature };

        double variance = Variance(1, recipe);

        // s^2 = 2 a T, so Var = T / (k (1 - a k / 2)).
        Assert.Equal(1, variance / (temperature / (1 - Step / 2)), Tolerance);
        Assert.Equal(temperature, recipe.ImpliedTemperatureAt(0, recipe.Steps), 1e-12);
    }

    [Fact]
    public void Step_CorrelatedGaussian_HasTheTargetsMoments()
    {
        // Precision [[2, 1], [1, 2]]: covariance [[2, -1], [-1, 2]] / 3.
        using IEnergyModel model = EnergyModelFactory.Create(
            new GaussianSpec([1, -2], [[2, 1], [1, 2]]), new Dictionary<string, Tensor>());
        var recipe = new SgldRecipe { Steps = 600, StepSize = 0.01, Temperature = 1 };

        (float[] x, _) = ChainRunner.Run(model, recipe, Chains, 2, 0, 3);

        double[] first = [.. x.Where((_, i) => i % 2 == 0).Select(value => (double)value)];
        double[] second = [.. x.Where((_, i) => i % 2 == 1).Select(value => (double)value)];
        // Standard error of a mean is 0.0058; the step-size bias of a covariance is below 1.5 %.
        Assert.Equal(1, first.Average(), 0.025);
        Assert.Equal(-2, second.Average(), 0.025);
        double covariance = first.Zip(second, (u, v) => (u - first.Average()) * (v - second.Average())).Average();
        Assert.Equal(-1.0 / 3, covariance, 0.03);
    }

    [Fact]
    public void Step_DoubleWell_FindsBothWellsEqually()
    {
        using IEnergyModel model = EnergyModelFactory.Create(new DoubleWellSpec(Barrier: 1), new Dictionary<string, Tensor>());
        var recipe = new SgldRecipe { Steps = 1500, StepSize = 0.02, Temperature = 1 };

        (float[] x, _) = ChainRunner.Run(model, recipe, 4000, 1, 0.9f, 8);

        // All chains start in the right well; a share of one half +- 4 standard errors (0.0079) says that they cross.
        Assert.Equal(0.5, x.Count(value => value > 0) / 4000.0, 0.032);
        // E[x^2] under exp(-(x^2 - 1)^2) by quadrature.
        Assert.Equal(Quadrature(u => u * u), x.Average(value => (double)value * value), 0.05);
    }

    [Fact]
    public void Step_StepOverStability_FreezesChainsInsteadOfGivingNaN()
    {
        using IEnergyModel model = ChainRunner.Quadratic(1);
        var recipe = new SgldRecipe { Steps = 2000, StepSize = 3, Noise = 0.1 };

        (float[] x, bool[] alive) = ChainRunner.Run(model, recipe, 16, 1, 1, 2);

        Assert.All(x, value => Assert.True(float.IsFinite(value)));
        Assert.DoesNotContain(true, alive);
    }

    private static double Variance(double k, SgldRecipe recipe)
    {
        using IEnergyModel model = ChainRunner.Quadratic(k);
        (float[] x, _) = ChainRunner.Run(model, recipe, Chains, 1, 0, 17);
        double mean = x.Average();
        return x.Average(value => (value - mean) * (value - mean));
    }

    /// <summary>Steps until the start weighs less than 1e-3 in the variance.</summary>
    private static int StepsToForget(double ak) => (int)Math.Ceiling(Math.Log(1e-3) / (2 * Math.Log(Math.Abs(1 - ak)))) + 1;

    private static double Quadrature(Func<double, double> f)
    {
        double top = 0, bottom = 0;
        for (double u = -4; u <= 4; u += 1e-3)
        {
            double weight = Math.Exp(-Math.Pow(u * u - 1, 2));
            top += f(u) * weight;
            bottom += weight;
        }
        return top / bottom;
    }
}
