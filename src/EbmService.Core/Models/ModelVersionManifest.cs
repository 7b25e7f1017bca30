namespace EbmService.Core.Models;

/// <summary>The file <c>&lt;version&gt;/version.json</c>: one trained state of a model, its files and where it came from.</summary>
public sealed record ModelVersionManifest
{
    public required string Version { get; init; }

    /// <value>SHA-256 (64 hex digits) by file name; a file that differs makes the version unavailable.</value>
    public required IReadOnlyDictionary<string, string> Files { get; init; }

    /// <value>The block size measured best, by device kind; 16 where none was measured.</value>
    public IReadOnlyDictionary<string, int> BlockSizes { get; init; } = new Dictionary<string, int>();

    public ModelProvenance? Provenance { get; init; }

    /// <value>Figures measured by <c>ebm evaluate</c>, by name.</value>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();
}

/// <summary>How a version was made.</summary>
public sealed record ModelProvenance
{
    public required string Command { get; init; }

    public required string Data { get; init; }

    public required long Seed { get; init; }

    public required double Seconds { get; init; }

    public required DateTimeOffset FinishedAt { get; init; }

    public string Software { get; init; } = "";
}
