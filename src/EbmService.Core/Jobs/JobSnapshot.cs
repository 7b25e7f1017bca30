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

    public required ModelReference Model { get; init; }

    public required JobSpec Spec { get; init; }

    /// <value>-10 to 10; higher runs first.</value>
    public int Priority { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <value>Whose share of the device the job counts against.</value>
    public string Tenant { get; init; } = DefaultTenant;

    /// <value>The job whose chains this one goes on from, if any.</value>
    public string? Extends { get; init; }

    /// <value>Why the chains stopped; null before the end and where the job failed.</value>
    public StopReason? StopReason { get; init; }

    public required JobProgress Progress { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <value>1 for the first run; counts up when another process takes a running job over, or its device was lost.</value>
    public int Attempt { get; init; } = 1;

    public Failure? Error { get; init; }

    public IReadOnlyList<ResultEntry> Results { get; init; } = [];

    /// <summary>The spec of what an ended job did: where a rule stopped its chains, that many steps and no rule.</summary>
    public JobSpec SpecDone() => StopReason is Jobs.StopReason.UntilEss or Jobs.StopReason.UntilRHat or Jobs.StopReason.UntilEssAndRHat
        ? Spec.StoppedAt(Progress.Step)
        : Spec;
}

/// <summary>One result file of a job.</summary>
/// <param name="Sha256">64 hex digits over the content.</param>
public sealed record ResultEntry(string Name, string MediaType, long Size, string Sha256);
