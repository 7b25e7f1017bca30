using EbmService.Core.Models;

namespace EbmService.Core.Likelihood;

/// <summary>How chains move at each bridge. Each leaves the bridge's density exactly invariant: unadjusted Langevin dynamics doesn't, and is not offered.</summary>
public enum LikelihoodKernel
{
    /// <summary>Hamiltonian Monte Carlo with a fixed number of leapfrogs.</summary>
    Hmc,

    /// <summary>The Metropolis-adjusted Langevin algorithm.</summary>
    Mala,

    /// <summary>Blocked Gibbs from the model's conditionals, for binary and categorical variables.</summary>
    Gibbs,
}

/// <summary>Where annealing begins: a distribution whose normalising constant is known.</summary>
public enum LikelihoodBase
{
    /// <summary>Uniform over the input's range, or over the values of binary and categorical variables.</summary>
    Uniform,

    /// <summary>Independent normal variables of one mean and deviation, over all numbers: then the model is one of all numbers too, not of its range.</summary>
    Normal,

    /// <summary>
    /// Independent variables with the means of the version's replay buffer: Bernoulli where variables are binary, normal with the buffer's
    /// deviations and cut off at the range where they are continuous.
    /// </summary>
    Buffer,
}

/// <summary>Where the reverse chains begin; the upper bound on log Z holds where that is a sample of the model.</summary>
public enum LikelihoodStart
{
    /// <summary>Independent exact samples, from the list of all states.</summary>
    Exact,

    /// <summary>Chains that go on from the version's replay buffer at the model's own temperature.</summary>
    Buffer,

    /// <summary>The same from the base distribution.</summary>
    Base,
}

/// <summary>What the kernels and bases need of a model.</summary>
public static class LikelihoodRules
{
    /// <summary>The most states that are listed for exact starts.</summary>
    public const long MaxListedStates = 1 << 16;

    public static IReadOnlyList<ModelCapability> Needs(this LikelihoodKernel kernel) => kernel == LikelihoodKernel.Gibbs
        ? [ModelCapability.BlockConditionals, ModelCapability.DiscreteVariables]
        : [ModelCapability.ContinuousVariables, ModelCapability.Differentiable];

    /// <summary>The kernels that can anneal the model, the preferred one first.</summary>
    public static IReadOnlyList<LikelihoodKernel> KernelsOf(ModelCapabilities model) =>
        [.. new[] { LikelihoodKernel.Gibbs, LikelihoodKernel.Hmc, LikelihoodKernel.Mala }.Where(kernel => CapabilityRules.Allows(model, kernel.Needs()))];

    /// <summary>How many states an input of discrete variables has; null where they can't be listed.</summary>
    public static int? ListedStates(InputSchema input)
    {
        (double values, int variables) = input.Variables switch
        {
            VariableKind.Binary => (2, input.Length()),
            VariableKind.Categorical => (input.Shape[^1], input.Length() / input.Shape[^1]),
            _ => (double.PositiveInfinity, 1),
        };
        double states = Math.Pow(values, variables);
        return states <= MaxListedStates ? (int)states : null;
    }
}
