using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Rows;

namespace EbmService.Core.Scoring;

/// <summary>A validated scoring job with every default filled in; immutable. The rows themselves are a file beside the job.</summary>
public sealed record ScoringSpec : JobSpec
{
    /// <summary>The name of the rows among the job's inputs.</summary>
    public const string RowsFile = "rows.npy";

    /// <summary>The member of a request that names the job whose rows are scored.</summary>
    public const string JobField = "spec.job";

    [JsonIgnore]
    public override string Type => ScoringJob.Name;

    /// <value>Each a file of its own among the results.</value>
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <value>The OOD score behind pValue; null where that is not asked for.</value>
    public string? Score { get; init; }

    /// <value>name@version, or bundled; left out where no output needs one.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Calibration { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CalibrationId { get; init; }

    /// <value>Sizes of the array before the input's own; results have the same.</value>
    public required IReadOnlyList<int> Shape { get; init; }

    /// <value>Present where the rows are another job's.</value>
    public JobRows? Job { get; init; }

    /// <value>Present where the rows are an uploaded dataset's.</value>
    public string? Dataset { get; init; }

    /// <value>The first row of the file that is scored.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Offset { get; init; }

    /// <value>Whether gray levels become the ends of the model's range.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Binarise { get; init; }

    /// <value>Of the rows' file, 64 hex digits.</value>
    public required string Sha256 { get; init; }

    public required int BlockSize { get; init; }

    [JsonIgnore]
    public int Count => Shape.Aggregate(1, (product, size) => checked(product * size));

    [JsonIgnore]
    public RowsSpec Rows => new()
    {
        Dataset = Dataset, Job = Job, Offset = Offset, Count = Count, Binarise = Binarise, Sha256 = Sha256, File = RowsFile,
    };

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs => [Rows.ToInput(JobField)];
}
