using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

/// <summary>The job type <c>sampling</c> as clients see it: its name, unit, metrics, stop rules and examples.</summary>
public static class SamplingJob
{
    public const string Name = "sampling";

    /// <summary>Words of the stop rules.</summary>
    public const string UntilEss = "untilEss";
    public const string UntilRHat = "untilRHat";
    public const string UntilEssAndRHat = "untilEssAndRHat";

    /// <summary>Names of the metrics.</summary>
    public const string EnergyMean = "energyMean";
    public const string GradientNorm = "gradientNorm";
    public const string Diverged = "diverged";
    public const string Acceptance = "acceptance";
    public const string DivergentTransitions = "divergentTransitions";
    public const string Ebfmi = "ebfmi";
    public const string RHat = "rHat";
    public const string EssBulk = "essBulk";
    public const string EssTail = "essTail";
    public const string EnergyMcse = "energyMcse";
    public const string UnmovedChains = "unmovedChains";

    private static readonly MetricHistogram RHats = new("ebm.chain.r_hat", null,
        "The largest R-hat of a job's recorded quantities, at its end.", [1.001, 1.002, 1.005, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5]);

    private static readonly MetricHistogram Samples = new("ebm.chain.ess", "{sample}",
        "The smallest effective sample size of a job's recorded quantities, at its end.", [10, 30, 100, 200, 400, 1000, 2000, 4000, 10_000, 30_000, 100_000]);

    public static JobTypeDescription Description { get; } = new(
        Name, "Draws samples from a model by Markov chains.", "chainSteps", typeof(SamplingRequest), typeof(SamplingSpec))
    {
        Task = ModelTask.Sampling,
        IsExtendable = true,
        StopRules = [UntilEss, UntilRHat, UntilEssAndRHat],
        Metrics =
        [
            new(EnergyMean, "Mean of E(x) over the job's finite chains at their latest report.", MetricMerge.Mean, Less: Diverged),
            new(GradientNorm, "Mean L2 norm of the energy gradient over the finite chains.", MetricMerge.Mean, Less: Diverged),
            new(Diverged, "Chains that left the finite numbers and were frozen.", MetricMerge.Sum),
            new(Acceptance, "Mean acceptance probability since the warm-up; absent for kernels that accept everything.", MetricMerge.Mean),
            new(DivergentTransitions, "Transitions whose energy error was too large; absent for kernels without the notion.",
                MetricMerge.Sum),
            new(Ebfmi, "The smallest E-BFMI of the chains; below 0.3 the momentum is badly matched.", MetricMerge.Smallest),
            new(RHat, "The largest rank-normalised split R-hat over energy, gradient norm and projections; chains agree at "
                + "1.01 and below.", MetricMerge.Statistics) { AtEnd = RHats },
            new(EssBulk, "The smallest bulk effective sample size, over all chains together.", MetricMerge.Statistics) { AtEnd = Samples },
            new(EssTail, "The smallest tail effective sample size.", MetricMerge.Statistics) { AtEnd = Samples },
            new(EnergyMcse, "Monte Carlo standard error of the mean energy.", MetricMerge.Statistics),
            new(UnmovedChains, "Chains that have not moved since the warm-up: they are no sample, and no stop rule fires while there is one.", MetricMerge.Statistics),
        ],
        Examples =
        [
            new("digits", "mnist-jem: ten of each digit from noise, with previews",
                """
                {"type": "sampling", "model": "mnist-jem", "spec": {
                  "chains": 100, "steps": 100, "labels": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "start": "base",
                  "seed": 7, "previewEvery": 10
                }, "priority": 0, "tags": ["demo"]}
                """),
            new("moons", "two-moons: Langevin chains",
                """{"model": "two-moons", "spec": {"chains": 256, "steps": 500, "recipe": "langevin", "seed": 1}}"""),
            new("hmc", "two-moons: Hamiltonian Monte Carlo until 1000 effective samples, at most 5 minutes",
                """
                {"model": "two-moons", "spec": {
                  "chains": 64, "steps": 20000, "kernel": "hmc",
                  "hmc": {"leapfrogSteps": 10, "targetAcceptance": 0.8}, "warmup": 300, "thin": 10,
                  "stop": {"untilEss": 1000, "checkEvery": 100, "deadlineSeconds": 300}, "seed": 1
                }}
                """),
            new("replicas", "two-moons: replica exchange, five temperatures around MALA",
                """
                {"model": "two-moons", "spec": {
                  "chains": 32, "steps": 1000, "kernel": "mala",
                  "tempering": {"temperatures": [1, 1.7, 3, 5, 9], "swapEvery": 5},
                  "stop": {"untilRHat": 1.01}, "seed": 1
                }}
                """),
            new("held", "two-moons: the first coordinate held at 0 and at 1 in turn, the second sampled",
                """
                {"model": "two-moons", "spec": {
                  "chains": 64, "steps": 500, "kernel": "mala",
                  "held": {"mask": [1, 0], "values": [[0, 0], [1, 0]]}, "data": [[0, 0.5], [1, -0.5]],
                  "seed": 1
                }}
                """),
            new("lattice", "ising-lattice: Gibbs with gradients on binary variables",
                """{"model": "ising-lattice", "spec": {"chains": 256, "steps": 200, "kernel": "gibbsWithGradients", "seed": 1}}"""),
            new("defaults", "two-moons: all defaults", """{"model": "two-moons"}"""),
        ],
    };
}
