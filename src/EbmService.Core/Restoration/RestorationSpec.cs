using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Rows;

namespace EbmService.Core.Restoration;

/// <summary>A validated restoration with every default filled in; immutable. The rows are files beside the job.</summary>
public sealed record RestorationSpec : JobSpec
{
    [JsonIgnore]
    public override string Type => RestorationJob.Name;

    /// <value>Null where the job damages the truth.</value>
    [JsonPropertyName("inputs")]
    public RowsSpec? Damaged { get; init; }

    public RowsSpec? Truth { get; init; }

    public required Damage Damage { get; init; }

    public RowsSpec? Reference { get; init; }

    public RowsSpec? Calibration { get; init; }

    public required int Samples { get; init; }

    public required double Level { get; init; }

    public required long Seed { get; init; }

    /// <value>Null where all that is known is known exactly.</value>
    public double? DataWeight { get; init; }

    public required RestorationStart Start { get; init; }

    public required RestorationChain Chain { get; init; }

    public required int BlockSize { get; init; }

    /// <value>Inputs to restore.</value>
    [JsonIgnore]
    public int Count => (Damaged ?? Truth)!.Count;

    /// <value>Inputs to restore, then the rows that intervals are calibrated on.</value>
    [JsonIgnore]
    public int Items => Count + (Calibration?.Count ?? 0);

    [JsonIgnore]
    public int Steps => Chain.Steps!.Value;

    /// <value>Steps that look for the nearest rows of the reference.</value>
    [JsonIgnore]
    public int ReferenceSteps => Reference is { } rows ? (rows.Count + RestorationJob.ReferenceTile - 1) / RestorationJob.ReferenceTile : 0;

    /// <value>Nearest rows of the reference that are kept of each item.</value>
    [JsonIgnore]
    public int Neighbours => Start == RestorationStart.Reference ? Samples : 1;

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs =>
    [
        .. new[] { (Damaged, "inputs"), (Truth, "truth"), (Reference, "reference"), (Calibration, "calibration") }
            .Where(rows => rows.Item1 is not null).Select(rows => rows.Item1!.ToInput($"spec.{rows.Item2}")),
    ];
}
