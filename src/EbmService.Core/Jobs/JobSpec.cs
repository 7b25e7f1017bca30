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
    /// Blocks wait for each other at every multiple of this many steps, so that stop rules are judged at fixed step counts; null: they never wait.
    /// </value>
    [JsonIgnore]
    public virtual int? CheckEvery => null;

    /// <value>Seconds after admission at which the job stops with what it has; null: none.</value>
    [JsonIgnore]
    public virtual double? DeadlineSeconds => null;

    /// <value>Files that this job starts from.</value>
    [JsonIgnore]
    public virtual IReadOnlyList<JobInput> Inputs => [];

    /// <summary>The same work with so many more steps, going on from this spec's last state. Null where the work has no steps to add.</summary>
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
}

/// <summary>Writes a spec as what it is. Specs are read through their type: <see cref="JobTypeRegistry.ReadSpec"/>.</summary>
internal sealed class JobSpecJsonConverter : JsonConverter<JobSpec>
{
    public override JobSpec Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("a spec is read through its job type");

    public override void Write(Utf8JsonWriter writer, JobSpec value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value, value.GetType(), options);
}
