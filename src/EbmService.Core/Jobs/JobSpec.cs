using System.Text.Json.Serialization;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Core.Jobs;

/// <summary>The kinds of long work.</summary>
public enum JobType
{
    Sampling,
}

/// <summary>A validated, immutable description of what a job computes. One derived record per <see cref="JobType"/>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(SamplingSpec), "sampling")]
public abstract record JobSpec
{
    [JsonIgnore]
    public abstract JobType Type { get; }

    /// <value>
    /// Blocks wait for each other at every multiple of this many steps, so that stop rules are judged at fixed step counts; null: they never wait.
    /// </value>
    [JsonIgnore]
    public virtual int? CheckEvery => null;

    /// <value>Seconds after admission at which the job stops with what it has; null: none.</value>
    [JsonIgnore]
    public virtual double? DeadlineSeconds => null;

    /// <value>Files of other jobs that this one starts from.</value>
    [JsonIgnore]
    public virtual IReadOnlyList<JobInput> Inputs => [];

    /// <summary>The same work with so many more steps: its chains go on from this spec's last states. Null where the work has no steps to add.</summary>
    public virtual JobSpec? Extended(int steps) => null;

    /// <summary>What gives the same bits without a stop rule when one has ended the work at that step.</summary>
    public virtual JobSpec StoppedAt(int step) => this;
}

/// <summary>All that the computing side knows of a job: nothing of queues, leases or clients.</summary>
public sealed record JobDefinition(string Id, ModelReference Model, JobSpec Spec);
