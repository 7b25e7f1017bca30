namespace EbmService.Core.Jobs;

/// <summary>What a block says after a quantum.</summary>
/// <param name="Step">Steps done so far.</param>
/// <param name="Done">Whether the block has nothing left to do.</param>
public sealed record StepReport(int Step, bool Done)
{
    /// <value>The block's numbers by name, as the job's type merges them over blocks; a number that is not known yet is absent.</value>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = NoMetrics;

    /// <value>
    /// What metrics over all blocks and stop rules are computed from, opaque to all but the job's type: where the budget asked for it and always when done.
    /// </value>
    public byte[]? Statistics { get; init; }

    /// <value>Drawn when a preview was due in this quantum, by the first block only.</value>
    public PreviewFrame? Preview { get; init; }

    private static IReadOnlyDictionary<string, double> NoMetrics { get; } = new Dictionary<string, double>();
}

/// <summary>A picture of a block's items.</summary>
public sealed record PreviewFrame(int Step, byte[] Png);
