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

    /// <value>1 for the next to run; null once running.</value>
    public int? QueuePosition { get; init; }
}
