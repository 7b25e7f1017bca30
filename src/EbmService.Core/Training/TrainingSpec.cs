using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Training;

/// <summary>A validated training job with every default filled in; immutable. The rows stay where the server has them, pinned by their hash.</summary>
public sealed record TrainingSpec : JobSpec
{
    [JsonIgnore]
    public override string Type => TrainingJob.Name;

    /// <value>The name of the data set.</value>
    public required string Data { get; init; }

    public required int Rows { get; init; }

    /// <value>Of rows and labels as the model sees them, 64 hex digits.</value>
    public required string Sha256 { get; init; }

    /// <value>Of an uploaded dataset: its rows' file; null of others.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RowsSha256 { get; init; }

    /// <value>Of an uploaded dataset: its labels' file; null where there are none.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LabelsSha256 { get; init; }

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs =>
    [
        .. new[] { ("rows.npy", RowsSha256), ("labels.npy", LabelsSha256) }.Where(file => file.Item2 is not null)
            .Select(file => new JobInput(file.Item1, null, null, file.Item2!) { Field = "spec.data", Dataset = Data }),
    ];

    public required ModelDescriptor Descriptor { get; init; }

    /// <value>What the result is to be called.</value>
    public required string Version { get; init; }

    public required TrainingRecipe Config { get; init; }
}
