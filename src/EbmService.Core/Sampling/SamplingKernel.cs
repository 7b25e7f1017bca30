using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

/// <summary>The chain's transition rule. T is the temperature, a the step size; E the energy.</summary>
public enum SamplingKernel
{
    /// <summary>Stochastic gradient Langevin dynamics with the full recipe, unadjusted (Welling and Teh 2011).</summary>
    Sgld,

    /// <summary>The unadjusted Langevin algorithm: SGLD whose noise is sqrt(2 a T) (Roberts and Tweedie 1996).</summary>
    Ula,

    /// <summary>Langevin dynamics with an RMSprop preconditioner (Li et al. 2016), without the correction term; unadjusted.</summary>
    PreconditionedSgld,

    /// <summary>The Metropolis-adjusted Langevin algorithm (Roberts and Tweedie 1996): exact.</summary>
    Mala,

    /// <summary>
    /// Hamiltonian Monte Carlo with a fixed number of leapfrog steps; step size and mass adapt during the warm-up
    /// (Hoffman and Gelman 2014): exact.
    /// </summary>
    Hmc,

    /// <summary>Underdamped Langevin dynamics in the BAOAB splitting (Leimkuhler and Matthews 2013), unadjusted.</summary>
    Underdamped,

    /// <summary>Gibbs with gradients for binary and categorical variables (Grathwohl et al. 2021): exact.</summary>
    GibbsWithGradients,

    /// <summary>Blocked Gibbs for models that know their conditionals: exact.</summary>
    BlockedGibbs,
}

public static class SamplingKernelExtensions
{
    /// <summary>Whether the kernel moves binary and categorical variables, and no others.</summary>
    public static bool IsDiscrete(this SamplingKernel kernel) => kernel is SamplingKernel.GibbsWithGradients or SamplingKernel.BlockedGibbs;

    /// <summary>What the kernel needs of a model.</summary>
    public static IReadOnlyList<ModelCapability> Needs(this SamplingKernel kernel) => kernel switch
    {
        SamplingKernel.GibbsWithGradients => [ModelCapability.DiscreteVariables, ModelCapability.Differentiable],
        SamplingKernel.BlockedGibbs => [ModelCapability.BlockConditionals],
        _ => [ModelCapability.ContinuousVariables, ModelCapability.Differentiable],
    };

    /// <summary>Whether the kernel adapts during a warm-up.</summary>
    public static bool Adapts(this SamplingKernel kernel) => kernel is SamplingKernel.Mala or SamplingKernel.Hmc;

    /// <summary>Whether the target is exact, up to the kernel's temperature.</summary>
    public static bool IsExact(this SamplingKernel kernel) =>
        kernel is SamplingKernel.Mala or SamplingKernel.Hmc or SamplingKernel.GibbsWithGradients or SamplingKernel.BlockedGibbs;
}

/// <summary>Numbers of HMC beside the step size, which is the leapfrog step and, with a warm-up, only where adaptation begins.</summary>
/// <param name="LeapfrogSteps">Gradients per transition, 1 to 1000.</param>
/// <param name="TargetAcceptance">What dual averaging steers the mean acceptance to, (0, 1).</param>
/// <param name="AdaptMass">Whether the warm-up also estimates a diagonal mass from the block's chains.</param>
public sealed record HmcSettings(int LeapfrogSteps = 10, double TargetAcceptance = 0.8, bool AdaptMass = true);

/// <param name="TargetAcceptance">What dual averaging steers the mean acceptance to during a warm-up, (0, 1); 0.574 is optimal in many dimensions.</param>
public sealed record MalaSettings(double TargetAcceptance = 0.574);

/// <param name="Friction">gamma, per unit of time, above 0.</param>
public sealed record UnderdampedSettings(double Friction = 1);

/// <param name="Decay">Of the running mean of squared gradients, [0, 1).</param>
/// <param name="Epsilon">Added to its root, above 0: the largest preconditioner is 1 / epsilon.</param>
public sealed record PreconditionerSettings(double Decay = 0.99, double Epsilon = 1e-3);

/// <summary>Replica exchange (Swendsen and Wang 1986; Okabe et al. 2001): each chain has one replica per temperature, neighbours swap, the first is reported.</summary>
/// <param name="Temperatures">Factors on the temperature, ascending from 1; 2 to 32.</param>
/// <param name="SwapEvery">Steps between two rounds of swaps, at least 1.</param>
public sealed record TemperingSettings(IReadOnlyList<double> Temperatures, int SwapEvery = 1)
{
    public const int MaxReplicas = 32;

    /// <summary>Whether temperatures are 2 to <see cref="MaxReplicas"/> ascending factors that begin with 1.</summary>
    public static bool IsLadder(IReadOnlyList<double> temperatures) => temperatures.Count is >= 2 and <= MaxReplicas && temperatures[0] == 1
        && temperatures.Zip(temperatures.Skip(1)).All(pair => pair.First < pair.Second) && temperatures[^1] <= 1e6;

    public bool Equals(TemperingSettings? other) =>
        other is not null && SwapEvery == other.SwapEvery && Temperatures.SequenceEqual(other.Temperatures);

    public override int GetHashCode() => HashCode.Combine(SwapEvery, Temperatures.Count);
}
