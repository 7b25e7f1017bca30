namespace EbmService.Core.Jobs;

/// <summary>How far a job is. Lossy: the latest wins.</summary>
public sealed record JobProgress
{
    /// <value>Mean over the blocks, [0, 1].</value>
    public double Fraction { get; init; }

    /// <value>Steps done per chain, mean over the blocks, rounded down.</value>
    public int Step { get; init; }

    public int TotalSteps { get; init; }

    public int Chains { get; init; }

    /// <value>Chain-steps per second over the last seconds; null until measured.</value>
    public double? StepsPerSecond { get; init; }

    public double? EtaSeconds { get; init; }

    /// <value>Mean of E(x) over the job's chains at their latest report.</value>
    public double? EnergyMean { get; init; }

    /// <value>Mean L2 norm of the energy gradient per chain.</value>
    public double? GradientNorm { get; init; }

    /// <value>Chains that left the finite numbers and were frozen.</value>
    public int Diverged { get; init; }

    /// <value>Mean acceptance probability since the warm-up; null for kernels that accept everything.</value>
    public double? Acceptance { get; init; }

    /// <value>Transitions whose energy error was too large; null for kernels without the notion.</value>
    public long? DivergentTransitions { get; init; }

    /// <value>The smallest E-BFMI of the chains; below 0.3 the momentum is badly matched. Null where there is none.</value>
    public double? Ebfmi { get; init; }

    /// <value>The largest rank-normalised split R-hat over energy, gradient norm and projections; null until there are draws enough.</value>
    public double? RHat { get; init; }

    /// <value>The smallest bulk effective sample size over all chains; null until there are draws enough.</value>
    public double? EssBulk { get; init; }

    /// <value>The smallest tail effective sample size.</value>
    public double? EssTail { get; init; }

    /// <value>Monte Carlo standard error of the mean energy.</value>
    public double? EnergyMcse { get; init; }

    /// <value>1 for the next to run; null once running.</value>
    public int? QueuePosition { get; init; }
}
