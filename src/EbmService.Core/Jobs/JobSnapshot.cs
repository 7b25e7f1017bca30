using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Core.Jobs;

/// <summary>A job as stored, at one moment: the truth that events only announce.</summary>
public sealed record JobSnapshot
{
    /// <value>The tenant of requests that name none.</value>
    public const string DefaultTenant = "default";

    /// <value>32 hex digits, time-ordered (UUID version 7).</value>
    public required string Id { get; init; }

    public required JobStatus Status { get; init; }

    /// <value>By role; at least one.</value>
    public required IReadOnlyList<JobModel> Models { get; init; }

    /// <value>The model of a job that uses one, and the first of one that uses several.</value>
    public ModelReference Model => Models[0].Reference();

    public required JobSpec Spec { get; init; }

    /// <value>-10 to 10; higher runs first.</value>
    public int Priority { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <value>Whose share of the device the job counts against.</value>
    public string Tenant { get; init; } = DefaultTenant;

    /// <value>What looked wrong with the request though nothing forbade it, a sentence each.</value>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <value>The job whose work this one goes on from, if any.</value>
    public string? Extends { get; init; }

    /// <value>Why the blocks took no further step, a word of <see cref="Jobs.StopReason"/> or of the type's rules; null before the end and where the job failed.</value>
    public string? StopReason { get; init; }

    /// <value>The step at which a rule ended all blocks.</value>
    public int? StopStep { get; init; }

    public required JobProgress Progress { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <value>1 for the first run; counts up when another process takes a running job over, or its device was lost.</value>
    public int Attempt { get; init; } = 1;

    public Failure? Error { get; init; }

    public IReadOnlyList<ResultEntry> Results { get; init; } = [];

    /// <summary>The spec of what an ended job did: where a rule stopped its blocks, that many steps and no rule.</summary>
    public JobSpec SpecDone() => StopStep is { } step && Jobs.StopReason.IsRule(StopReason) ? Spec.StoppedAt(step) : Spec;
}

/// <summary>One result file of a job.</summary>
/// <param name="Sha256">64 hex digits over the content.</param>
public sealed record ResultEntry(string Name, string MediaType, long Size, string Sha256);
