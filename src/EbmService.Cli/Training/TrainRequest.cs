using EbmService.Cli.Data;

namespace EbmService.Cli.Training;

/// <summary>The options of <c>ebm train</c>.</summary>
internal sealed record TrainRequest
{
    public required string ModelFolder { get; init; }

    public required DataSource Data { get; init; }

    public required string Version { get; init; }

    public int? Iterations { get; init; }

    public string? Checkpoint { get; init; }

    public string? Pictures { get; init; }

    public bool Replace { get; init; }

    public bool Restart { get; init; }

    /// <value>For provenance.</value>
    public required string CommandText { get; init; }
}
