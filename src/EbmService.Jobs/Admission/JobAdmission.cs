using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Queries;
using EbmService.Jobs.Retention;
using EbmService.Jobs.Scheduling;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <summary>Takes a job in: place in the queue, one transaction, then the board.</summary>
internal sealed class JobAdmission(
    LiveJobs live, JobIntake intake, JobInputIntake inputs, JobStore store, JobFiles files, JobResources resources,
    IJobPlanner planner, IJobDuties duties, TenantStorage storage, IOptions<QuotaOptions> quotas,
    TimeProvider clock, JobsMetrics metrics, IOptions<JobLimitsOptions> limits, ILogger<JobAdmission> log)
{
    public const int MinPriority = JobPriority.Lowest;
    public const int MaxPriority = JobPriority.Highest;

    /// <returns>The new job's id.</returns>
    public async Task<Outcome<string>> SubmitAsync(JobSubmission submission) => submission.Priority is < MinPriority or > MaxPriority
        ? Failure.OfFields([new("priority", $"Priority is a number from {MinPriority} to {MaxPriority}.")])
        : await AdmitAsync(submission);

    /// <summary>Takes a place in the queue and stores the job.</summary>
    public async Task<Outcome<string>> AdmitAsync(JobDraft draft)
    {
        using Activity? span = JobTracing.StartSubmit();
        Outcome<string> id = await TakeInAsync(draft);
        if (!id.Succeeded)
            span?.SetTag(Tags.ErrorType, Tags.Word(id.Failure.Code)).SetStatus(ActivityStatusCode.Error, id.Failure.Message);
        return id;
    }

    private async Task<Outcome<string>> TakeInAsync(JobDraft draft)
    {
        if (resources.Check(draft.Submission.Footprint) is { } tooLarge)
            return tooLarge;
        if (live.Stopping)
            return QueryDispatcher.ShuttingDown;
        string tenant = draft.Submission.Tenant;
        if (WhyFull(live.Reserve(tenant, limits.Value.MaxQueuedJobs, quotas.Value.Of(tenant).QueuedJobs)) is { } full)
            return full;
        try
        {
            JobFootprint footprint = draft.Submission.Footprint;
            return await storage.CheckAsync(tenant, footprint.ResultBytes + footprint.StreamedBytes, CancellationToken.None) is { } tooMuch
                ? tooMuch : await InsertAsync(draft);
        }
        catch (FailureException e)
        {
            return e.Failure;
        }
        finally
        {
            live.Release(tenant);
        }
    }

    private Failure? WhyFull(QueuePlace place) => place switch
    {
        QueuePlace.QueueFull => new Failure(FailureCode.QueueFull, "The job queue is full.",
            "Submit the job again after the stated time.") { RetryAfter = live.RetryAfter() },
        QueuePlace.TenantFull => new Failure(FailureCode.QuotaExceeded, "The tenant has as many jobs in the queue as its quota allows.",
            "Submit the job again when one of them has begun, or cancel one; the operator raises Quotas.") { RetryAfter = live.RetryAfter() },
        _ => null,
    };

    private Task<Outcome<string>> AdmitAsync(JobSubmission submission)
    {
        try
        {
            return AdmitAsync(new JobDraft(submission, planner.Plan(submission.Spec))
            {
                PrepareAsync = id => inputs.TakeAsync(id, submission.Spec.Inputs, submission.Attachments),
            });
        }
        catch (FailureException e)
        {
            return Task.FromResult<Outcome<string>>(e.Failure);
        }
    }

    private async Task<Outcome<string>> InsertAsync(JobDraft draft)
    {
        JobSubmission submission = draft.Submission;
        DateTimeOffset now = clock.GetUtcNow();
        Job job = NewJob(draft, now);
        IdempotencyRow? key = submission.IdempotencyKey is not { } text ? null
            : new IdempotencyRow { Key = text, JobId = job.Id, Fingerprint = submission.RequestFingerprint, CreatedAt = now };
        bool isStored = false;
        try
        {
            await draft.PrepareAsync(job.Id);
            await store.InsertAsync(JobRowMapper.ToRow(live.Snapshot(job), draft.Plan, job.Epoch, draft.StartStep), key);
            isStored = true;
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.StorageBusy)
        {
            return e.Failure;
        }
        catch (Exception e) when (e is DbUpdateException or IOException or UnauthorizedAccessException
            or FailureException { Failure.Code: FailureCode.StorageFailed, InnerException: not null })
        {
            log.JobNotStored(e, job.Id, JobStatus.Queued);
            return StorageFailures.OfRequest;
        }
        finally
        {
            if (!isStored)
            {
                files.Delete(job.Id);
                inputs.Release(job.Id);
            }
        }
        intake.Take(job);
        metrics.Submitted(job.Recorded);
        Activity.Current?.SetTag(Tags.Job, job.Id);
        inputs.Release(job.Id);
        log.JobQueued(job.Id, job.Blocks.Count, job.Units);
        return job.Id;
    }

    private Job NewJob(JobDraft draft, DateTimeOffset now)
    {
        JobSubmission submission = draft.Submission;
        var snapshot = new JobSnapshot
        {
            Id = Guid.CreateVersion7(now).ToString("N"),
            Status = JobStatus.Queued,
            Models = submission.Models,
            Spec = submission.Spec,
            Priority = submission.Priority,
            Tenant = submission.Tenant,
            Tags = submission.Tags,
            Warnings = submission.Warnings,
            Keep = submission.Keep,
            Extends = draft.Extends,
            Progress = new JobProgress(),
            CreatedAt = now,
            TraceParent = JobTracing.CurrentParent(),
        };
        var job = new Job(snapshot, draft.Plan, epoch: 0, duties, clock, [.. draft.Plan.Blocks.Select(_ => draft.StartStep)]);
        if (draft.StartStep == 0)
            return job;
        foreach (IBlock block in job.Blocks)
            job.RestoreParked(block.Plan.Index, draft.StartStep);
        job.Recover(JobStatus.Queued, stop: null, stopStep: null);
        return job;
    }
}

/// <summary>A job about to be stored.</summary>
/// <param name="Submission">What was asked for.</param>
/// <param name="Plan">Its blocks.</param>
internal sealed record JobDraft(JobSubmission Submission, JobPlan Plan)
{
    public string? Extends { get; init; }

    /// <value>The step at which every block begins; more than 0 where <see cref="PrepareAsync"/> stores checkpoints.</value>
    public int StartStep { get; init; }

    /// <value>Stores the files that the job of that id begins with; a <see cref="Core.Failures.FailureException"/> refuses the job.</value>
    public required Func<string, Task> PrepareAsync { get; init; }
}

/// <summary>Stores the files that a new job starts from: those that came with it, and copies of other jobs' results.</summary>
internal sealed class JobInputIntake(JobLookup lookup, JobInputs inputs, DatasetStore datasets, JobPins pins)
{
    /// <exception cref="FailureException">The source is unknown, has not ended, or has no such result.</exception>
    public async Task TakeAsync(string jobId, IReadOnlyList<JobInput> wanted, IReadOnlyDictionary<string, byte[]> attachments)
    {
        datasets.Hold(jobId, [.. wanted.Where(input => input.IsDataset)]);
        foreach (JobInput input in wanted.Where(input => !input.IsDataset))
        {
            if (attachments.TryGetValue(input.Name, out byte[]? content))
            {
                inputs.Attach(jobId, input, content);
                continue;
            }
            using IDisposable? pin = pins.TryPin(input.FromJob!);
            if (await WhyNotAsync(input, pin is not null) is { } reason)
                throw Refuse(input, reason);
            if (!inputs.TryTake(jobId, input))
                throw Refuse(input, $"The result '{input.Result}' of job {input.FromJob} is missing or damaged.");
        }
    }

    /// <summary>The job is among the live ones, or was not taken in: its datasets are kept, or needn't be.</summary>
    public void Release(string jobId) => datasets.Release(jobId);

    private static FailureException Refuse(JobInput input, string reason) => new(Failure.OfFields([new FieldError(input.Field, reason)]));

    private async Task<string?> WhyNotAsync(JobInput input, bool isPinned)
    {
        if (!isPinned || !JobFolders.IsValidId(input.FromJob!)
            || (await lookup.FindAsync(input.FromJob!, CancellationToken.None)).Value is not { } source)
            return $"There is no job {input.FromJob}.";
        if (!source.Status.IsTerminal())
            return $"Job {input.FromJob} has not ended yet: its result '{input.Result}' comes with its end.";
        if (source.Results.FirstOrDefault(result => result.Name == input.Result) is not { } found)
            return $"Job {input.FromJob} has no result '{input.Result}'.";
        return string.Equals(found.Sha256, input.Sha256, StringComparison.OrdinalIgnoreCase) ? null
            : $"The result '{input.Result}' of job {input.FromJob} is not the one whose hash was given.";
    }
}

/// <summary>Hands a stored job to the slots, its watchers and its deadline. Thread-safe.</summary>
internal sealed class JobIntake(SlotBoard board, JobStops stops, JobEventHub hub, TimeProvider clock)
{
    public void Take(Job job)
    {
        hub.Open(job.Id, job.Epoch);
        job.Trace = JobTracing.Begin(job.Recorded, clock);
        job.Trace?.Shown(job.Recorded.Status);
        if (job.Trace is { } trace && Activity.Current is { } request && request.TraceId.ToHexString() != job.Id)
            request.AddLink(new ActivityLink(trace.Context));
        board.Add(job);
        stops.WatchDeadline(job);
        job.EndIfDone();
    }
}
