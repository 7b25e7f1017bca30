using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Models;

namespace EbmService.Core.Jobs;

/// <summary>A validated, immutable description of what a job computes, every default filled in. One derived record per job type.</summary>
[JsonConverter(typeof(JobSpecJsonConverter))]
public abstract record JobSpec
{
    /// <value>The name of its <see cref="IJobType"/>.</value>
    [JsonIgnore]
    public abstract string Type { get; }

    /// <value>
    /// Blocks wait for each other at every multiple of this many steps, so that stop
    /// rules are judged at fixed step counts; null: they never wait.
    /// </value>
    [JsonIgnore]
    public virtual int? CheckEvery => null;

    /// <value>Seconds after admission at which the job stops with what it has; null: none.</value>
    [JsonIgnore]
    public virtual double? DeadlineSeconds => null;

    /// <value>Files that this job starts from.</value>
    [JsonIgnore]
    public virtual IReadOnlyList<JobInput> Inputs => [];

    /// <summary>
    /// The same work with so many more steps, going on from this spec's
    /// last state. Null where the work has no steps to add.
    /// </summary>
    public virtual JobSpec? Extended(int steps) => null;

    /// <summary>What gives the same bits without a stop rule when one has ended the work at that step.</summary>
    public virtual JobSpec StoppedAt(int step) => this;
}

/// <summary>All that the computing side knows of a job: nothing of queues, leases or clients.</summary>
/// <param name="Models">By role; at least one.</param>
public sealed record JobDefinition(string Id, IReadOnlyList<JobModel> Models, JobSpec Spec)
{
    public JobDefinition(string id, ModelReference model, JobSpec spec) : this(id, JobModel.Only(model), spec)
    {
    }

    /// <value>The model of a job that uses one, and the first of one that uses several.</value>
    public ModelReference Model => Models[0].Reference();

    /// <value>Whose job it is.</value>
    public string Tenant { get; init; } = JobSnapshot.DefaultTenant;
}

/// <summary>Writes a spec as what it is. Specs are read through their type: <see cref="JobTypeRegistry.ReadSpec"/>.</summary>
internal sealed class JobSpecJsonConverter : JsonConverter<JobSpec>
{
    public override JobSpec Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("a spec is read through its job type");

    public override void Write(Utf8JsonWriter writer, JobSpec value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value, value.GetType(), options);
}

/// <summary>Stands for a spec that this version can't read; it is written without members.</summary>
/// <param name="TypeName">The type that is stored with the job, known here or not.</param>
public sealed record UnreadableSpec([property: JsonIgnore] string TypeName) : JobSpec
{
    [JsonIgnore]
    public override string Type => TypeName;

    /// <value>What the service sent, in a client; null of a stored job.</value>
    [JsonIgnore]
    public JsonElement? Members { get; init; }
}

/// <summary>A model version that a job uses, by the role that it has there, pinned by its digest.</summary>
/// <param name="Role">Of the job type's roles; usually the only one, <see cref="DefaultRole"/>.</param>
/// <param name="Digest"><c>sha256:</c> and 64 hex digits over architecture, weights and replay buffer; empty of a version that the job itself makes.</param>
public sealed record JobModel(string Role, string Name, string Version, string Digest)
{
    /// <value>The job makes this version: nothing of it is needed while it runs.</value>
    [JsonIgnore]
    public bool IsMade => Digest.Length == 0;

    /// <summary>The role of the model in jobs that use one.</summary>
    public const string DefaultRole = "model";

    public ModelReference Reference() => new(Name, Version, Digest);

    public ModelKey Key() => new(Name, Version);

    public static JobModel Making(ModelKey made) => new(DefaultRole, made.Name, made.Version, "");

    public static JobModel Create(string role, ModelReference model) => new(role, model.Name, model.Version, model.Digest);

    public static IReadOnlyList<JobModel> Only(ModelReference model) => [Create(DefaultRole, model)];
}

/// <summary>
/// A file that a job needs: it came with the request, or is another job's result, copied at admission, so that the
/// source may be deleted.
/// </summary>
/// <param name="Name">The file's name among the job's inputs.</param>
/// <param name="FromJob">The id of the job that made it; null where it came with the request.</param>
/// <param name="Result">The result's name there.</param>
/// <param name="Sha256">64 hex digits over the content.</param>
public sealed record JobInput(string Name, string? FromJob, string? Result, string Sha256)
{
    /// <value>The member of the request that names the source, for field errors.</value>
    public string Field { get; init; } = "spec";

    /// <value>The name of the uploaded dataset that it is a file of, read where it lies: the dataset can't be deleted before the job has ended. Null of others.</value>
    public string? Dataset { get; init; }

    public bool IsDataset => Dataset is not null;
}

/// <summary>Reads the input files of jobs. Thread-safe.</summary>
public interface IJobInputs
{
    /// <summary>Opens a file for reading in parts: a seekable stream that the caller disposes.</summary>
    /// <exception cref="Failures.FailureException">The file is missing or damaged.</exception>
    Stream Open(string jobId, JobInput input);
}
