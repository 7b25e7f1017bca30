namespace EbmService.Core.Jobs;

/// <summary>How far a job is. Lossy: the latest wins. All numbers are finite.</summary>
public sealed record JobProgress
{
    /// <value>Done by total, [0, 1].</value>
    public double Fraction { get; init; }

    /// <value>How much is done, in units.</value>
    public long Done { get; init; }

    /// <value>How much there is to do, in units.</value>
    public long Total { get; init; }

    /// <value>The job type's own unit: chainSteps, rows, ...</value>
    public string Unit { get; init; } = "";

    /// <value>Units per second over the last seconds; null until measured.</value>
    public double? RatePerSecond { get; init; }

    public double? EtaSeconds { get; init; }

    /// <value>1 for the next to run; null once running.</value>
    public int? QueuePosition { get; init; }

    /// <value>The type's named numbers over all blocks; one that is not known yet, or not finite, is absent.</value>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>The metric of that name; null where there is none yet.</summary>
    public double? Metric(string name) => Metrics.TryGetValue(name, out double value) ? value : null;
}
