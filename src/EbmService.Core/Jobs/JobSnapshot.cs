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

    /// <value>W3C traceparent of the request that made the job; null where it had none.</value>
    public string? TraceParent { get; init; }

    /// <value>The job whose work this one goes on from, if any.</value>
    public string? Extends { get; init; }

    /// <value>
    /// Why the blocks took no further step, a word of <see cref="Jobs.StopReason"/> or of the type's rules; null before
    /// the end and where the job failed.
    /// </value>
    public string? StopReason { get; init; }

    /// <value>The step at which a rule ended all blocks.</value>
    public int? StopStep { get; init; }

    public required JobProgress Progress { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <value>1 for the first run; counts up when another process takes a running job over, or its device was lost.</value>
    public int Attempt { get; init; } = 1;

    /// <value>Whether the job stays once it has ended, whatever the retention settings say.</value>
    public bool Keep { get; init; }

    /// <value>When it may be deleted by its age; null where it has not ended, is kept, or jobs are kept for ever.</value>
    public DateTimeOffset? ExpiresAt { get; init; }

    public Failure? Error { get; init; }

    public IReadOnlyList<ResultEntry> Results { get; init; } = [];

    /// <summary>The spec of what an ended job did: where a rule stopped its blocks, that many steps and no rule.</summary>
    public JobSpec SpecDone() => StopStep is { } step && Jobs.StopReason.IsRule(StopReason) ? Spec.StoppedAt(step) : Spec;
}

/// <summary>One result file of a job.</summary>
/// <param name="Sha256">64 hex digits over the content.</param>
public sealed record ResultEntry(string Name, string MediaType, long Size, string Sha256);

/// <summary>queued -&gt; running &lt;-&gt; paused -&gt; succeeded | failed | cancelled; terminal states never change.</summary>
public enum JobStatus
{
    /// <summary>Accepted and stored; no block has run in this attempt.</summary>
    Queued,

    /// <summary>At least one block has run.</summary>
    Running,

    /// <summary>Taken off the device on request; keeps its place in time.</summary>
    Paused,

    /// <summary>A cancel was accepted; running blocks stop at the end of their quantum.</summary>
    Cancelling,

    Succeeded,
    Failed,

    /// <summary>Stopped on request; partial results are kept.</summary>
    Cancelled,
}

public static class JobStatusExtensions
{
    public static bool IsTerminal(this JobStatus status) =>
        status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled;
}

/// <summary>Words for why a job's blocks took no further step. A job type adds a word for each of its stop rules.</summary>
public static class StopReason
{
    /// <summary>All steps were done.</summary>
    public const string Completed = "completed";

    /// <summary>The job's deadline passed: blocks may have stopped at different steps.</summary>
    public const string Deadline = "deadline";

    /// <summary>A client cancelled the job.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>Whether it is a rule of the job's type, which ended all blocks at one step.</summary>
    public static bool IsRule(string? reason) => reason is not (null or Completed or Deadline or Cancelled);
}

/// <summary>How far a job is. Lossy: the latest wins. All numbers are finite.</summary>
public sealed record JobProgress
{
    /// <value>Done by total, [0, 1].</value>
    public double Fraction { get; init; }

    /// <value>How much is done, in units.</value>
    public long Done { get; init; }

    /// <value>How much there is to do, in units.</value>
    public long Total { get; init; }

    /// <value>The job type's own unit: chainSteps, rows, ...</value>
    public string Unit { get; init; } = "";

    /// <value>Units per second over the last seconds; null until measured.</value>
    public double? RatePerSecond { get; init; }

    public double? EtaSeconds { get; init; }

    /// <value>1 for the next to run; null once running.</value>
    public int? QueuePosition { get; init; }

    /// <value>The type's named numbers over all blocks; one that is not known yet, or not finite, is absent.</value>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>The metric of that name; null where there is none yet.</summary>
    public double? Metric(string name) => Metrics.TryGetValue(name, out double value) ? value : null;
}

/// <summary>One entry of a job's ordered event log, which feeds SignalR and server-sent events.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Sequence">Counts up by one per job from 1; gaps show where lossy progress was dropped.</param>
public abstract record JobLogEntry(string JobId, long Sequence);

/// <summary>The status changed; never dropped. The one with a terminal status is the job's last event.</summary>
public sealed record JobChangedEntry(string JobId, long Sequence, JobSnapshot Job) : JobLogEntry(JobId, Sequence);

/// <summary>At most five per second and job; the latest wins.</summary>
public sealed record JobProgressEntry(string JobId, long Sequence, JobProgress Progress) : JobLogEntry(JobId, Sequence);

/// <summary>A picture of the first block; the latest wins.</summary>
/// <param name="Step">Steps done when it was drawn.</param>
/// <param name="Png">PNG bytes.</param>
public sealed record JobPreviewEntry(string JobId, long Sequence, int Step, byte[] Png) : JobLogEntry(JobId, Sequence);
