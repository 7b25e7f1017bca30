using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Rows;

namespace EbmService.Core.Calibration;

/// <summary>A validated calibration with every default filled in; immutable. The rows themselves are a file beside the job.</summary>
public sealed record CalibrationSpec : JobSpec
{
    /// <summary>The name of the rows among the job's inputs.</summary>
    public const string RowsFile = "data.npy";

    [JsonIgnore]
    public override string Type => CalibrationJob.Name;

    public required string Name { get; init; }

    public required RowsSpec Data { get; init; }

    public required string Score { get; init; }

    public required bool Chains { get; init; }

    public required bool MakeDefault { get; init; }

    public required long Seed { get; init; }

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs => Data.Inputs("spec.data");
}
