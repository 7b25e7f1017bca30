using EbmService.Core.Models;
using EbmService.Inference.Checkpoints;

namespace EbmService.Inference.Models;

/// <summary>What <see cref="ModelVersionWriter"/> writes.</summary>
public sealed record ModelVersionContent
{
    /// <value>Parameters by name; empty for closed formulas, which then get no weights file.</value>
    public IReadOnlyDictionary<string, SafetensorsTensor> Weights { get; init; } = new Dictionary<string, SafetensorsTensor>();

    /// <value>The replay buffer's chains, (n, ...input), or null.</value>
    public SafetensorsTensor? Buffer { get; init; }

    /// <value>The class of each chain, or null.</value>
    public IReadOnlyList<int>? BufferLabels { get; init; }

    /// <value>Scores of held-out in-distribution data by score name, or null; stored ascending.</value>
    public IReadOnlyDictionary<string, float[]>? Calibration { get; init; }

    /// <value>See <see cref="ModelFiles.TypicalityMean"/>; null where the calibration has no typicality.</value>
    public float? TypicalityMean { get; init; }

    public ModelProvenance? Provenance { get; init; }

    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    public IReadOnlyDictionary<string, int> BlockSizes { get; init; } = new Dictionary<string, int>();

    /// <value>Other files of the version (reports, pictures) by name.</value>
    public IReadOnlyDictionary<string, byte[]> OtherFiles { get; init; } = new Dictionary<string, byte[]>();
}
