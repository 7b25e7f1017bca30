using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Likelihood;

/// <summary>The job type <c>likelihood</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class LikelihoodJob
{
    public const string Name = "likelihood";

    /// <summary>Names of the metrics.</summary>
    public const string LogZLower = "logZLower";
    public const string LogZUpper = "logZUpper";
    public const string ForwardEss = "forwardEss";
    public const string ReverseEss = "reverseEss";
    public const string Beta = "beta";
    public const string Acceptance = "acceptance";
    public const string AnnealingChains = "annealingChains";
    public const string LogDensityMean = "logDensityMean";
    public const string RowsScored = "rowsScored";

    /// <summary>Rows that go through the model together; a row's numbers do not depend on the others.</summary>
    public const int TileRows = 8;

    public static JobTypeDescription Description { get; } = new(
        Name, "log Z from both sides by annealed importance sampling, and the log-likelihood of rows, with bounds.", "transitions",
        typeof(LikelihoodRequest), typeof(LikelihoodSpec))
    {
        Task = ModelTask.Energy,
        Metrics =
        [
            new(LogZLower, "Lower confidence bound on log Z from the forward chains that have ended, nats.", MetricMerge.Statistics),
            new(LogZUpper, "Upper confidence bound on log Z from the reverse chains that have ended, nats.", MetricMerge.Statistics),
            new(ForwardEss, "Effective number of the forward chains that have ended: (sum w)^2 / sum w^2.", MetricMerge.Statistics),
            new(ReverseEss, "The same of the reverse chains.", MetricMerge.Statistics),
            new(Beta, "Mean inverse temperature that the chains have come to: forward ones go from 0 to 1, reverse ones from 1 to 0.",
                MetricMerge.Mean, Weight: AnnealingChains),
            new(AnnealingChains, "Chains of the blocks that have begun.", MetricMerge.Sum),
            new(Acceptance, "Mean acceptance probability of the latest transition; absent with Gibbs, which accepts everything.",
                MetricMerge.Mean, Weight: AnnealingChains),
            new(LogDensityMean, "Mean unnormalised log-density, -E(x) / T, of the rows scored so far.", MetricMerge.Mean, Weight: RowsScored),
            new(RowsScored, "Rows scored so far whose density is a finite number above 0.", MetricMerge.Sum),
        ],
        Examples =
        [
            new("likelihood-ising", "ising-lattice: log Z by blocked Gibbs, reverse chains from exact samples",
                """{"type": "likelihood", "model": "ising-lattice", "spec": {"chains": 50, "bridges": 50, "seed": 1}}"""),
            new("likelihood-two-moons", "two-moons: log Z by Hamiltonian Monte Carlo, and the log-likelihood of three points in nats and bits per dimension",
                """
                {"type": "likelihood", "model": "two-moons", "spec": {"chains": 40, "bridges": 200, "reverseSteps": 200, "leapfrogSteps": 5, "seed": 1,
                  "inputs": {"data": [[0.5, 0.2], [-0.5, 0.75], [1.5, -0.4]]}}}
                """),
        ],
    };
}
