using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Architectures.Ring;
using EbmService.Inference.Samplers;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>
/// Target moments against closed forms and quadrature, from 8 000 independent chains each, within 4 standard errors. Unadjusted kernels are
/// held to their own stationary law where it is known: on a Gaussian with precision P, ULA has covariance T P^-1 (1 - a P / 2)^-1 and BAOAB exactly T P^-1.
/// </summary>
public sealed class KernelMomentTests
{
    private const int Chains = 8000;

    /// <summary>Kernel, step size, steps; leapfrog steps are 3, so that no frequency of the targets makes half a turn in a transition.</summary>
    public static TheoryData<SamplingKernel, double, int> Gaussian => new()
    {
        { SamplingKernel.Ula, 0.05, 200 },
        { SamplingKernel.Mala, 0.3, 80 },
        { SamplingKernel.Hmc, 0.45, 30 },
        { SamplingKernel.Underdamped, 0.5, 80 },
    };

    [Theory]
    [MemberData(nameof(Gaussian))]
    public void Step_CorrelatedGaussian_HasTheKernelsMoments(SamplingKernel kernel, double stepSize, int steps)
    {
        const double Temperature = 0.5;
        using IEnergyModel model = ChainRunner.Gaussian();
        SamplingSpec spec = Spec(kernel, stepSize) with { Temperature = Temperature };

        float[] x = Run(model, spec, zeros(Chains, 2), steps);

        // Along (1, 1) and (1, -1) the precision is 3 and 1.
        double along = Temperature * Variance(kernel, 3, stepSize), across = Temperature * Variance(kernel, 1, stepSize);
        double[] first = Moments.Column(x, 2, 0), second = Moments.Column(x, 2, 1);
        Moments.AssertMean(1, first);
        Moments.AssertMean(-2, second);
        Moments.AssertMean((along + across) / 2, [.. first.Select(value => (value - 1) * (value - 1))]);
        Moments.AssertMean((along + across) / 2, [.. second.Select(value => (value + 2) * (value + 2))]);
        Moments.AssertMean((along - across) / 2, [.. first.Zip(second, (u, v) => (u - 1) * (v + 2))]);
    }

    [Fact]
    public void Step_PreconditionedOnAGaussian_HasTheVarianceOfItsMeanPreconditioner()
    {
        // With a slow decay V is k^2 Var at stationarity and G nearly constant: Var = 1 / (k (1 - a G k / 2)); what G still moves costs less than 2 %.
        const double K = 4, A = 0.2;
        using IEnergyModel model = ChainRunner.Quadratic(K);
        SamplingSpec spec = Spec(SamplingKernel.PreconditionedSgld, A) with { Preconditioner = new(0.998) };

        float[] x = Run(model, spec, tensor(Moments.Draw(u => K * u * u / 2, -3, 3, Chains, 1), [Chains, 1]), 500);

        double g = 1 / (1e-3 + Math.Sqrt(K));
        Moments.AssertMean(0, Moments.Column(x, 1, 0));
        Moments.AssertMean(1 / (K * (1 - A * g * K / 2)), [.. x.Select(value => (double)value * value)], bias: 0.02 / K);
    }

    /// <summary>Kernel, step size, steps, and the bias that it is allowed in E[x^2].</summary>
    public static TheoryData<SamplingKernel, double, int, double> DoubleWell => new()
    {
        { SamplingKernel.Ula, 0.01, 800, 0.01 },
        { SamplingKernel.PreconditionedSgld, 0.02, 800, 0.08 },
        { SamplingKernel.Mala, 0.1, 200, 0 },
        { SamplingKernel.Hmc, 0.3, 120, 0 },
        { SamplingKernel.Underdamped, 0.15, 300, 0.01 },
    };

    [Theory]
    [MemberData(nameof(DoubleWell))]
    public void Step_DoubleWell_FindsBothWellsAndTheirWidth(SamplingKernel kernel, double stepSize, int steps, double bias)
    {
        using IEnergyModel model = EnergyModelFactory.Create(new DoubleWellSpec(Barrier: 1), new Dictionary<string, Tensor>());

        float[] x = Run(model, Spec(kernel, stepSize), full([Chains, 1], 0.9f), steps);

        Moments.AssertMean(0.5, [.. x.Select(value => value > 0 ? 1.0 : 0)]);
        double square = Moments.Quadrature(u => Math.Pow(u * u - 1, 2), u => u * u, -4, 4);
        Moments.AssertMean(square, [.. x.Select(value => (double)value * value)], bias);
    }

    /// <summary>Kernel, step size, steps, and the bias allowed in the mean radius and in its variance.</summary>
    public static TheoryData<SamplingKernel, double, int, double> Ring => new()
    {
        { SamplingKernel.Ula, 0.001, 300, 0.003 },
        { SamplingKernel.PreconditionedSgld, 0.01, 300, 0.01 },
        { SamplingKernel.Mala, 0.02, 100, 0 },
        { SamplingKernel.Hmc, 0.15, 40, 0 },
        { SamplingKernel.Underdamped, 0.1, 100, 0.003 },
    };

    [Theory]
    [MemberData(nameof(Ring))]
    public void Step_Ring_HasTheRadiusOfTheTarget(SamplingKernel kernel, double stepSize, int steps, double bias)
    {
        using IEnergyModel model = EnergyModelFactory.Create(new RingSpec(2, 0.2), new Dictionary<string, Tensor>());

        float[] x = Run(model, Spec(kernel, stepSize), ones(Chains, 2), steps);

        // In polar coordinates the density of the radius is r exp(-(r - 2)^2 / (2 0.2^2)).
        double Energy(double r) => (r - 2) * (r - 2) / 0.08 - Math.Log(r);
        double mean = Moments.Quadrature(Energy, r => r, 0, 4);
        double variance = Moments.Quadrature(Energy, r => (r - mean) * (r - mean), 0, 4);
        double[] radius = [.. Moments.Column(x, 2, 0).Zip(Moments.Column(x, 2, 1), (u, v) => Math.Sqrt(u * u + v * v))];
        Moments.AssertMean(mean, radius, bias);
        Moments.AssertMean(variance, [.. radius.Select(r => (r - mean) * (r - mean))], bias);
    }

    [Theory]
    [InlineData(SamplingKernel.Mala, 0.3, 100)]
    [InlineData(SamplingKernel.Hmc, 0.6, 30)]
    public void Step_ExactKernelInABox_HasTheTruncatedTargetsMoments(SamplingKernel kernel, double stepSize, int steps)
    {
        using IEnergyModel model = ChainRunner.Quadratic(1);
        SamplingSpec spec = Spec(kernel, stepSize) with { StateClamp = new(StateClampKind.Range, -0.5, 1) };

        float[] x = Run(model, spec, zeros(Chains, 1), steps);

        Assert.InRange(x.Min(), -0.5f, -0.49f);
        Assert.InRange(x.Max(), 0.99f, 1f);
        foreach (Func<double, double> f in new Func<double, double>[] { u => u, u => u * u, u => u > 0.8 ? 1 : 0, u => u < -0.4 ? 1 : 0 })
            Moments.AssertMean(Moments.Quadrature(u => u * u / 2, f, -0.5, 1), [.. x.Select(value => f(value))]);
    }

    [Theory]
    [MemberData(nameof(Gaussian))]
    public void Step_HeldPart_HasTheConditionalsMoments(SamplingKernel kernel, double stepSize, int steps)
    {
        using IEnergyModel model = ChainRunner.Gaussian();

        using ChainState state = ChainRunner.Advance(
            KernelFactory.Create(Spec(kernel, stepSize), model), ChainRunner.HeldStart(Chains, 2, [3, 0.5f], heldFrom: 1, heldTo: 2), steps, 5);

        // x1 given x2 = 0.5 has precision 2 and mean 1 - (0.5 + 2) / 2.
        double[] free = Moments.Column(state.X.data<float>().ToArray(), 2, 0);
        Moments.AssertMean(-0.25, free);
        Moments.AssertMean(Variance(kernel, 2, stepSize), [.. free.Select(value => (value + 0.25) * (value + 0.25))]);
        // The gradient norm is over the free number: Var(2 (x1 + 0.25)) = 4 Var.
        Assert.InRange(state.GradientNorm.mean().item<float>(), 0.8f, 1.6f);
    }

    [Theory]
    [MemberData(nameof(Gaussian))]
    public void Step_TemperatureFactors_HeatTheirRowsAlone(SamplingKernel kernel, double stepSize, int steps)
    {
        using IEnergyModel model = ChainRunner.Quadratic(1);
        IKernel sut = KernelFactory.Create(Spec(kernel, stepSize), model);
        using var generator = new Generator(6UL);
        using ChainState state = sut.Init(new ChainStartPoints(zeros(Chains, 1)));
        state.TemperatureFactors = state.Keep("temperatureFactors", tensor([.. Enumerable.Range(0, Chains).Select(row => row % 2 == 0 ? 1f : 4f)]));
        for (int step = 0; step < steps; step++)
            sut.Step(state, generator);

        float[] x = state.X.data<float>().ToArray();
        double variance = Variance(kernel, 1, stepSize);
        Moments.AssertMean(variance, [.. x.Where((_, row) => row % 2 == 0).Select(value => (double)value * value)]);
        Moments.AssertMean(4 * variance, [.. x.Where((_, row) => row % 2 == 1).Select(value => (double)value * value)]);
    }

    /// <summary>Of E = k x^2 / 2 at temperature 1.</summary>
    private static double Variance(SamplingKernel kernel, double k, double a) => kernel == SamplingKernel.Ula ? 1 / (k * (1 - a * k / 2)) : 1 / k;

    private static SamplingSpec Spec(SamplingKernel kernel, double stepSize) =>
        KernelCases.Temperate(kernel, stepSize) with { Hmc = new(3), Preconditioner = new(0.99) };

    private static float[] Run(IEnergyModel model, SamplingSpec spec, Tensor start, int steps)
    {
        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(start), steps, 11);
        return state.X.data<float>().ToArray();
    }
}
