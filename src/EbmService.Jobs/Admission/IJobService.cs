using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Jobs.Admission;

/// <summary>A validated job on its way in.</summary>
/// <param name="Models">By role; at least one.</param>
public sealed record JobSubmission(IReadOnlyList<JobModel> Models, JobSpec Spec)
{
    public JobSubmission(ModelReference model, JobSpec spec) : this(JobModel.Only(model), spec)
    {
    }

    /// <value>Contents of those inputs of the spec that came with it, by name; the others are copied from the jobs that they name.</value>
    public IReadOnlyDictionary<string, byte[]> Attachments { get; init; } = new Dictionary<string, byte[]>();

    public int Priority { get; init; }

    /// <value>What the job will take of the machine.</value>
    public JobFootprint Footprint { get; init; } = JobFootprint.Unknown;

    /// <value>Whose share of the device the job counts against.</value>
    public string Tenant { get; init; } = JobSnapshot.DefaultTenant;

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <value>Whether the job stays once it has ended, whatever the retention settings say.</value>
    public bool Keep { get; init; }

    /// <value>Kept with the job, for its readers.</value>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <value>As stored; set by <see cref="IJobService.SubmitOnceAsync"/>.</value>
    internal string? IdempotencyKey { get; init; }

    /// <value>What the request means; set by <see cref="IJobService.SubmitOnceAsync"/>.</value>
    internal string? RequestFingerprint { get; init; }
}

/// <summary>A filter over jobs, newest first.</summary>
/// <param name="Limit">1 to 200.</param>
/// <param name="Cursor">The opaque cursor of the page before.</param>
/// <param name="Tenant">Only this tenant's.</param>
public sealed record JobFilter(
    JobStatus? Status = null, string? Model = null, string? Type = null, int Limit = 50, string? Cursor = null, string? Tenant = null);

/// <summary>A page of jobs and the cursor of the next one; null on the last.</summary>
public sealed record JobPage(IReadOnlyList<JobSnapshot> Jobs, string? NextCursor);

/// <summary>Everything a client can do with jobs. Thread-safe.</summary>
public interface IJobService : IJobResults
{
    /// <summary>Stores the job and queues it, in one transaction.</summary>
    /// <returns>The job, or <see cref="FailureCode.QueueFull"/> with a retry time, <see cref="FailureCode.ShuttingDown"/>.</returns>
    Task<Outcome<JobSnapshot>> SubmitAsync(JobSubmission submission, CancellationToken cancellationToken);

    /// <summary>
    /// As <see cref="SubmitAsync"/>, but requests of one key make one job: later
    /// ones get the first one's, whatever has become of its model.
    /// </summary>
    /// <param name="key">Kept as long as the job.</param>
    /// <param name="create">Makes the submission; called only where the key is new.</param>
    /// <param name="cancellationToken">Ends the wait for an earlier request of the key.</param>
    /// <returns>As <see cref="SubmitAsync"/>, or what <paramref name="create"/> failed by,
    /// <see cref="FailureCode.IdempotencyMismatch"/>, <see cref="FailureCode.IdempotencyInFlight"/> after 30
    /// s.</returns>
    Task<Outcome<JobSnapshot>> SubmitOnceAsync(
        SubmissionKey key, Func<CancellationToken, Task<Outcome<JobSubmission>>> create, CancellationToken cancellationToken);

    /// <summary>A page of jobs; <see cref="FailureCode.InvalidRequest"/> for a cursor that is none of ours.</summary>
    Task<Outcome<JobPage>> ListAsync(JobFilter query, CancellationToken cancellationToken);

    /// <summary>Says whether the job, in whatever state, stays once it has ended.</summary>
    /// <returns>The job, or <see cref="FailureCode.JobNotFound"/>, <see cref="FailureCode.StorageBusy"/>, <see cref="FailureCode.StorageFailed"/>.</returns>
    Task<Outcome<JobSnapshot>> KeepAsync(string id, bool keep, CancellationToken cancellationToken);

    /// <summary>Asks for a stop: a queued job ends at once, a running one at the end of its quantum, keeping partial results.</summary>
    /// <returns>The job (cancelling or cancelled), or <see cref="FailureCode.JobNotFound"/>,
    /// <see cref="FailureCode.InvalidTransition"/> when it has ended.</returns>
    Task<Outcome<JobSnapshot>> CancelAsync(string id, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a queued or running job off the device at the end of its
    /// quanta, with its state stored; a paused one stays as it is.
    /// </summary>
    /// <returns>The job (running until its state is stored, then paused), or <see cref="FailureCode.JobNotFound"/>,
    /// <see cref="FailureCode.InvalidTransition"/> when it is ending or has ended.</returns>
    Task<Outcome<JobSnapshot>> PauseAsync(string id, CancellationToken cancellationToken);

    /// <summary>Queues a paused job again, where it stopped; one that is not paused stays as it is.</summary>
    /// <returns>The job, or <see cref="FailureCode.JobNotFound"/>, <see cref="FailureCode.InvalidTransition"/> when it
    /// has ended, <see cref="FailureCode.ModelUnavailable"/> while its model is away or damaged: it stays
    /// paused.</returns>
    Task<Outcome<JobSnapshot>> ResumeAsync(string id, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a new job that goes on from the last state of one that has succeeded: its result is that of one job with all the steps.
    /// </summary>
    /// <returns>The new job, or <see cref="FailureCode.JobNotFound"/>, <see cref="FailureCode.InvalidTransition"/> when
    /// it has not succeeded or its state is not kept, and what <see cref="SubmitAsync"/> answers.</returns>
    Task<Outcome<JobSnapshot>> ExtendAsync(string id, int steps, CancellationToken cancellationToken);

    /// <summary>Deletes record and results of a job that has ended; <see cref="FailureCode.InvalidTransition"/> while it has not.</summary>
    Task<Outcome<JobSnapshot>> DeleteAsync(string id, CancellationToken cancellationToken);

    /// <summary>Returns the job as soon as it has ended, or as it is after <paramref name="timeout"/>.</summary>
    Task<Outcome<JobSnapshot>> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>
    /// The job's events after <paramref name="afterSequence"/>: first the current state, then changes, progress and previews as they
    /// come, ending with the terminal change. Slow readers lose progress and previews, never changes.
    /// </summary>
    /// <param name="id">A job's id, or null for all jobs (without an end and without previews).</param>
    /// <param name="afterSequence">0 for everything; a client's last seen number after a reconnect.</param>
    /// <param name="cancellationToken">Ends the subscription.</param>
    IAsyncEnumerable<JobLogEntry> WatchAsync(string? id, long afterSequence, CancellationToken cancellationToken);
}
