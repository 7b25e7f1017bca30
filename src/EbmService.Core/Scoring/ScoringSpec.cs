using System.Text.Json.Serialization;
using EbmService.Core.Jobs;

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

    /// <value>Sizes of the array before the input's own; results have the same.</value>
    public required IReadOnlyList<int> Shape { get; init; }

    /// <value>Present where the rows are another job's.</value>
    public ScoringSource? Job { get; init; }

    /// <value>Of the rows' file, 64 hex digits.</value>
    public required string Sha256 { get; init; }

    public required int BlockSize { get; init; }

    [JsonIgnore]
    public int Rows => Shape.Aggregate(1, (product, size) => checked(product * size));

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs => [new JobInput(RowsFile, Job?.Id, Job?.Result, Sha256) { Field = JobField }];
}
