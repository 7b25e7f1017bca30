using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Execution;
using EbmService.Jobs.Questions;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Admission;

/// <summary>Cancel, pause and resume: each is decided at once, and answered when it is stored or after some patience. Thread-safe.</summary>
internal sealed class JobActions(JobLookup lookup, LiveJobs live, JobControl control, JobStore store, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<Outcome<JobSnapshot>> CancelAsync(string id, CancellationToken cancellation)
    {
        Task? recorded = null;
        lock (live.Gate)
        {
            // A job whose end is on its way can't be stopped any more: the answer is how it ended.
            if (live.Find(id) is { } job)
                recorded = job.CancelRequested ? job.Tail : job.IsOver || job.Stop is not null ? job.Ended.Task : control.Cancel(job);
        }
        if (recorded is null)
            return await lookup.RefuseEndedAsync(id, "cancelled", cancellation);
        bool isRecorded = await CompletesAsync(recorded, Patience, cancellation);
        Outcome<JobSnapshot> found = await lookup.FindAsync(id, cancellation);
        if (found is { Value.Status: JobStatus.Succeeded or JobStatus.Failed })
            return JobLookup.AlreadyEnded(found.Value, "cancelled");
        if (isRecorded || !found.Succeeded || found.Value.Status.IsTerminal())
            return found;
        // Not yet stored: a process that starts now would know nothing of the cancel.
        return NotStored() ?? (Outcome<JobSnapshot>)(found.Value with { Status = JobStatus.Cancelling });
    }

    public async Task<Outcome<JobSnapshot>> PauseAsync(string id, CancellationToken cancellation)
    {
        Task? pausing = null;
        lock (live.Gate)
        {
            if (live.Find(id) is { } job && (pausing = control.Pause(job)) is null)
                return new Failure(FailureCode.InvalidTransition, "The job is ending and can't be paused any more.");
        }
        if (pausing is null)
            return await lookup.RefuseEndedAsync(id, "paused", cancellation);
        bool isRecorded = await CompletesAsync(pausing, Patience, cancellation);
        Outcome<JobSnapshot> found = await lookup.FindAsync(id, cancellation);
        if (found.Succeeded && found.Value.Status.IsTerminal())
            return JobLookup.AlreadyEnded(found.Value, "paused");
        return isRecorded || NotStored() is not { } failure ? found : failure;
    }

    public async Task<Outcome<JobSnapshot>> ResumeAsync(string id, CancellationToken cancellation)
    {
        Task? recorded;
        lock (live.Gate)
            recorded = live.Find(id) is { } job ? control.Resume(job) : null;
        if (recorded is null)
            return await lookup.RefuseEndedAsync(id, "resumed", cancellation);
        bool isRecorded = await CompletesAsync(recorded, Patience, cancellation);
        // Not yet stored: a process that starts now would leave the job paused.
        return isRecorded || NotStored() is not { } failure ? await lookup.FindAsync(id, cancellation) : failure;
    }

    public async Task<Outcome<JobSnapshot>> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellation)
    {
        Task<JobSnapshot>? ended;
        lock (live.Gate)
            ended = live.Find(id)?.Ended.Task;
        if (ended is not null && await CompletesAsync(ended, timeout, cancellation) && ended.IsCompletedSuccessfully)
            return await ended;
        return await lookup.FindAsync(id, cancellation);
    }

    /// <summary>Why what was asked for can't be promised: a process that starts now would know nothing of it.</summary>
    private Failure? NotStored() => live.Stopping ? QuestionDispatcher.ShuttingDown : store.IsBusy ? StorageFailures.BusyUnderWay : null;

    /// <summary>False when the time is over or the service stops first.</summary>
    private async Task<bool> CompletesAsync(Task task, TimeSpan timeout, CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAny(task, live.Stopped).WaitAsync(timeout, clock, cancellation);
        }
        catch (TimeoutException)
        {
            // The caller answers with the job as it is by then.
        }
        return task.IsCompleted;
    }
}
