using EbmService.Cli.Data;

namespace EbmService.Cli.Assessment;

/// <summary>The options of <c>ebm evaluate</c>.</summary>
internal sealed record AssessmentOptions
{
    public required string ModelFolder { get; init; }

    public required DataSource Data { get; init; }

    /// <value>NAME=PATH each.</value>
    public required IReadOnlyList<string> OutOfDistribution { get; init; }

    public string? Version { get; init; }

    public string? Output { get; init; }

    public string? Classifier { get; init; }

    public long Seed { get; init; }

    public bool Quick { get; init; }

    /// <value>Compares float32 with bfloat16 instead.</value>
    public bool ComparePrecision { get; init; }

    public bool UpdateCard { get; init; }

    public required string CommandText { get; init; }
}
