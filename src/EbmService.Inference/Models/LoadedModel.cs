using EbmService.Core.Models;
using EbmService.Inference.Checkpoints;

namespace EbmService.Inference.Models;

/// <summary>A ready version with its validated tensors, in managed memory. Immutable.</summary>
public sealed record LoadedModel
{
    public required HostedModel Hosted { get; init; }

    /// <value>Parameters by name, exactly those of the architecture, all finite; empty for closed formulas.</value>
    public required IReadOnlyDictionary<string, SafetensorsTensor> Weights { get; init; }

    /// <value>The replay buffer's chains, (n, ...input), floats; null where the version has none.</value>
    public SafetensorsTensor? Buffer { get; init; }

    /// <value>The class of each chain of the buffer; null where it has none.</value>
    public int[]? BufferLabels { get; init; }

    /// <value>Scores of held-out in-distribution data, ascending, by score name; empty where the version has no calibration.</value>
    public IReadOnlyDictionary<string, float[]> Calibration { get; init; } = new Dictionary<string, float[]>();

    /// <value>See <see cref="ModelFiles.TypicalityMean"/>; null where the calibration has no typicality.</value>
    public float? TypicalityMean { get; init; }
}
