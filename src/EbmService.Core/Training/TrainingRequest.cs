using EbmService.Core.Models;

namespace EbmService.Core.Training;

/// <summary>What a client asks to have trained. The member <c>model</c> of the job names the model: one of the repository, or a new one with a descriptor.</summary>
public sealed record TrainingRequest
{
    /// <value>The name of a data set of this server, <c>two-moons</c> or one of the operator's.</value>
    public string? Data { get; init; }

    /// <value>Every number of the run; by default the model's training.json.</value>
    public TrainingRecipe? Config { get; init; }

    /// <value>In place of the config's.</value>
    public int? Iterations { get; init; }

    /// <value>In place of the config's.</value>
    public long? Seed { get; init; }

    /// <value>What the result is called; by default the next whole number.</value>
    public string? Version { get; init; }

    /// <value>The model.json of a new model; a model that is there keeps its own.</value>
    public ModelDescriptor? Descriptor { get; init; }

    /// <value>Rows of the data, as a spec shows them; compared when given.</value>
    public int? Rows { get; init; }

    /// <value>SHA-256 of the rows and labels as the model sees them, as a spec shows it; compared when given.</value>
    public string? Sha256 { get; init; }

    /// <value>As a spec shows it; not read: sha256 says the same.</value>
    public string? RowsSha256 { get; init; }

    /// <value>As a spec shows it; not read.</value>
    public string? LabelsSha256 { get; init; }
}
