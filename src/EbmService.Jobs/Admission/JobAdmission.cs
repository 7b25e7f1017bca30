using System.Collections.Concurrent;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Execution;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Questions;
using EbmService.Jobs.Scheduling;
using EbmService.Jobs.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <summary>Takes a job in: place in the queue, one transaction, then the board.</summary>
internal sealed class JobAdmission(
    LiveJobs live, JobBoard board, JobStore store, IJobPlanner planner, JobEventHub hub, TimeProvider clock,
    IOptions<JobLimitsOptions> limits, ILogger<JobAdmission> log)
{
    public const int MinPriority = JobPriority.Lowest;
    public const int MaxPriority = JobPriority.Highest;

    private readonly ConcurrentDictionary<string, bool> _keysInFlight = new(StringComparer.Ordinal);

    /// <returns>The new job, or the id of the one that the idempotency key made before.</returns>
    public async Task<Outcome<string>> SubmitAsync(JobSubmission submission, CancellationToken cancellation)
    {
        if (Check(submission) is { } invalid)
            return invalid;
        if (submission.IdempotencyKey is not { } key)
            return await AdmitAsync(submission);
        if (!_keysInFlight.TryAdd(key, true))
            return new Failure(FailureCode.IdempotencyInFlight, "The first request with this Idempotency-Key is still being taken in.", "Send it again in a moment.");
        try
        {
            return await store.FindKeyAsync(key, cancellation) is { } known ? Match(known, submission) : await AdmitAsync(submission);
        }
        finally
        {
            _keysInFlight.TryRemove(key, out _);
        }
    }

    private static Failure? Check(JobSubmission submission)
    {
        List<FieldError> errors = [];
        if (submission.Priority is < MinPriority or > MaxPriority)
            errors.Add(new("priority", $"Priority is a number from {MinPriority} to {MaxPriority}."));
        if (submission.IdempotencyKey is { Length: 0 or > JobsDbContext.MaxKeyLength })
            errors.Add(new("Idempotency-Key", $"The key has 1 to {JobsDbContext.MaxKeyLength} characters."));
        return errors.Count > 0 ? Failure.OfFields(errors) : null;
    }

    private static Outcome<string> Match(IdempotencyRow known, JobSubmission submission) =>
        known.Fingerprint == submission.RequestFingerprint
            ? known.JobId
            : new Failure(FailureCode.IdempotencyMismatch, "This Idempotency-Key was used with another request.", "Use a new key for a new request.");

    private async Task<Outcome<string>> AdmitAsync(JobSubmission submission)
    {
        lock (live.Gate)
        {
            if (live.Stopping)
                return QuestionDispatcher.ShuttingDown;
            if (!live.TryReserve(limits.Value.MaxQueuedJobs))
                return new Failure(FailureCode.QueueFull, "The job queue is full.", "Submit the job again after the stated time.") { RetryAfter = live.RetryAfter() };
        }
        try
        {
            return await InsertAsync(submission);
        }
        catch (FailureException e)
        {
            return e.Failure;
        }
        finally
        {
            lock (live.Gate)
                live.Release();
        }
    }

    private async Task<Outcome<string>> InsertAsync(JobSubmission submission)
    {
        JobPlan plan = planner.Plan(submission.Spec);
        DateTimeOffset now = clock.GetUtcNow();
        var job = new LiveJob(NewJob(submission, now), plan, epoch: 0, clock);
        IdempotencyRow? key = submission.IdempotencyKey is not { } text ? null
            : new IdempotencyRow { Key = text, JobId = job.Id, Fingerprint = submission.RequestFingerprint, CreatedAt = now };
        try
        {
            await store.InsertAsync(JobRowMapper.ToRow(live.Snapshot(job), plan, job.Epoch), key);
        }
        catch (DbUpdateException e)
        {
            log.JobNotStored(e, job.Id, JobStatus.Queued);
            return StorageFailures.OfRequest;
        }
        hub.Open(job.Id, job.Epoch);
        board.Add(job);
        log.JobQueued(job.Id, job.Blocks.Count, job.ChainSteps);
        return job.Id;
    }

    private static JobSnapshot NewJob(JobSubmission submission, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now).ToString("N"),
        Status = JobStatus.Queued,
        Model = submission.Model,
        Spec = submission.Spec,
        Priority = submission.Priority,
        Tenant = submission.Tenant,
        Tags = submission.Tags,
        Progress = new JobProgress(),
        CreatedAt = now,
    };
}
