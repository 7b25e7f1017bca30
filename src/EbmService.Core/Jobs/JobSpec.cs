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
}

/// <summary>All that the computing side knows of a job: nothing of queues, leases or clients.</summary>
public sealed record JobDefinition(string Id, ModelReference Model, JobSpec Spec);
