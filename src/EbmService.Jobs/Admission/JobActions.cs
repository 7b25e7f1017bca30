using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Queries;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Admission;

/// <summary>
/// Cancel, pause and resume: each is decided at once, and answered
/// when it is stored or after some patience. Thread-safe.
/// </summary>
internal sealed class JobActions(JobLookup lookup, LiveJobs live, SlotBoard board, JobModels models, JobStore store, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<Outcome<JobSnapshot>> CancelAsync(string id, CancellationToken cancellationToken)
    {
        Job? job = live.Find(id);
        if (job?.Cancel() is not { } answer)
            return await lookup.RefuseEndedAsync(id, "cancelled", cancellationToken);
        board.ShowQueue();
        // A job whose end is on its way can't be stopped any more: the answer is how it ended.
        bool isStored = await CompletesAsync(answer.Stored, Patience, cancellationToken) && !job.IsRefused;
        Outcome<JobSnapshot> found = await lookup.FindAsync(id, cancellationToken);
        if (found is { Value.Status: JobStatus.Succeeded or JobStatus.Failed })
            return JobLookup.AlreadyEnded(found.Value, "cancelled");
        if (isStored || !found.Succeeded || found.Value.Status.IsTerminal())
            return found;
        // Not yet stored: a process that starts now would know nothing of the cancel.
        if (NotStored(job) is { } failure)
            return failure;
        return answer.Change == JobChange.Refused ? IsEnding("cancelled") : found.Value with { Status = JobStatus.Cancelling };
    }

    public async Task<Outcome<JobSnapshot>> PauseAsync(string id, CancellationToken cancellationToken)
    {
        Job? job = live.Find(id);
        if (job?.Pause() is not { } answer)
            return await lookup.RefuseEndedAsync(id, "paused", cancellationToken);
        if (answer.Change == JobChange.Refused)
            return IsEnding("paused");
        board.ShowQueue();
        bool isStored = await CompletesAsync(answer.Stored, Patience, cancellationToken) && !job.IsRefused;
        Outcome<JobSnapshot> found = await lookup.FindAsync(id, cancellationToken);
        if (found.Succeeded && found.Value.Status.IsTerminal())
            return JobLookup.AlreadyEnded(found.Value, "paused");
        if (job.IsOver)
            return IsEnding("paused");
        return isStored || NotStored(job) is not { } failure ? found : failure;
    }

    public async Task<Outcome<JobSnapshot>> ResumeAsync(string id, CancellationToken cancellationToken)
    {
        Job? job = live.Find(id);
        if (job is { IsPaused: true } && await models.WhyStillMissingAsync(job.Definition) is { } missing)
            return missing;
        if (job?.State == JobState.Paused)
            live.Return(job);
        if (job?.Resume() is not { } answer)
            return await lookup.RefuseEndedAsync(id, "resumed", cancellationToken);
        board.ShowQueue();
        bool isStored = await CompletesAsync(answer.Stored, Patience, cancellationToken) && !job.IsRefused;
        // Not yet stored: a process that starts now would leave the job paused.
        return isStored || NotStored(job) is not { } failure ? await lookup.FindAsync(id, cancellationToken) : failure;
    }

    public async Task<Outcome<JobSnapshot>> KeepAsync(string id, bool keep, CancellationToken cancellationToken)
    {
        try
        {
            if (!await store.SetKeepAsync(id, keep))
                return JobLookup.NotFound;
        }
        catch (FailureException e)
        {
            return e.Failure;
        }
        live.Find(id)?.SetKeep(keep);
        return await lookup.FindAsync(id, cancellationToken);
    }

    public async Task<Outcome<JobSnapshot>> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Task<JobSnapshot>? ended = live.Find(id)?.Ended;
        if (ended is not null && await CompletesAsync(ended, timeout, cancellationToken) && ended.IsCompletedSuccessfully)
            return await ended;
        return await lookup.FindAsync(id, cancellationToken);
    }

    /// <summary>Why what was asked for can't be promised: a process that starts now would know nothing of it.</summary>
    private Failure? NotStored(Job job) => live.Stopping ? QueryDispatcher.ShuttingDown
        : job.IsRefused ? StorageFailures.RefusedUnderWay
        : store.IsBusy ? StorageFailures.BusyUnderWay : null;

    private static Failure IsEnding(string wish) => new(FailureCode.InvalidTransition, $"The job is ending and can't be {wish} any more.");

    /// <summary>False when the time is over or the service stops first.</summary>
    private async Task<bool> CompletesAsync(Task task, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAny(task, live.Stopped).WaitAsync(timeout, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // The caller answers with the job as it is by then.
        }
        return task.IsCompleted;
    }
}
