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

    /// <summary>Hamiltonian Monte Carlo with a fixed number of leapfrog steps; step size and mass adapt during the warm-up (Hoffman and Gelman 2014): exact.</summary>
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
        SamplingKernel.BlockedGibbs => [ModelCapability.DiscreteVariables, ModelCapability.BlockConditionals],
        _ => [ModelCapability.ContinuousVariables, ModelCapability.Differentiable],
    };

    /// <summary>Whether the kernel adapts during a warm-up.</summary>
    public static bool Adapts(this SamplingKernel kernel) => kernel is SamplingKernel.Mala or SamplingKernel.Hmc;

    /// <summary>Whether the target is exact, up to the kernel's temperature.</summary>
    public static bool IsExact(this SamplingKernel kernel) =>
        kernel is SamplingKernel.Mala or SamplingKernel.Hmc or SamplingKernel.GibbsWithGradients or SamplingKernel.BlockedGibbs;
}
