using System.Runtime.CompilerServices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Execution;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Questions;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Admission;

/// <inheritdoc cref="IJobService"/>
internal sealed class JobService(
    JobAdmission admission, LiveJobs live, JobControl control, JobStore store, ResultStore results, JobFolders folders, JobEventHub hub,
    TimeProvider clock, ILogger<JobService> log) : IJobService
{
    private const int MaxPage = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<Outcome<JobSnapshot>> SubmitAsync(JobSubmission submission, CancellationToken cancellation)
    {
        Outcome<string> id = await admission.SubmitAsync(submission, cancellation);
        return id.Succeeded ? await FindAsync(id.Value, cancellation) : id.Failure;
    }

    public async Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellation)
    {
        if (FindLive(id) is { } alive)
            return alive;
        return await store.FindAsync(id, cancellation) is { } row ? JobRowMapper.ToSnapshot(row) : NotFound();
    }

    public async Task<Outcome<JobPage>> ListAsync(JobQuery query, CancellationToken cancellation)
    {
        string? before = query.Cursor is null ? null : JobCursor.Decode(query.Cursor);
        if (query.Cursor is not null && before is null)
            return Failure.OfFields([new("cursor", "Not a cursor of this service: use nextCursor of the page before.")]);
        if (query.Limit is < 1 or > MaxPage)
            return Failure.OfFields([new("limit", $"A page has 1 to {MaxPage} jobs.")]);
        IReadOnlyList<JobRow> rows = await store.ListAsync(query, before, query.Limit + 1, cancellation);
        // A live job may have left the status that its row still had.
        List<JobSnapshot> jobs = [.. rows.Take(query.Limit).Select(row => FindLive(row.Id) ?? JobRowMapper.ToSnapshot(row))
            .Where(job => query.Status is null || job.Status == query.Status)];
        return new JobPage(jobs, rows.Count > query.Limit ? JobCursor.Encode(rows[query.Limit - 1].Id) : null);
    }

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
            return await EndedAsync(id, "cancelled", cancellation);
        bool isRecorded = await CompletesAsync(recorded, Patience, cancellation);
        Outcome<JobSnapshot> found = await FindAsync(id, cancellation);
        if (found is { Value.Status: JobStatus.Succeeded or JobStatus.Failed })
            return AlreadyEnded(found.Value, "cancelled");
        if (isRecorded || !found.Succeeded || found.Value.Status.IsTerminal())
            return found;
        // Not yet stored: a process that starts now would know nothing of the cancel.
        return live.Stopping ? QuestionDispatcher.ShuttingDown : found.Value with { Status = JobStatus.Cancelling };
    }

    public async Task<Outcome<JobSnapshot>> PauseAsync(string id, CancellationToken cancellation)
    {
        Task? pausing;
        lock (live.Gate)
        {
            if (live.Find(id) is not { } job)
                pausing = null;
            else if (control.Pause(job) is { } accepted)
                pausing = accepted;
            else
                return new Failure(FailureCode.InvalidTransition, "The job is ending and can't be paused any more.");
        }
        if (pausing is null)
            return await EndedAsync(id, "paused", cancellation);
        bool isRecorded = await CompletesAsync(pausing, Patience, cancellation);
        Outcome<JobSnapshot> found = await FindAsync(id, cancellation);
        if (found.Succeeded && found.Value.Status.IsTerminal())
            return AlreadyEnded(found.Value, "paused");
        return isRecorded || !live.Stopping ? found : QuestionDispatcher.ShuttingDown;
    }

    public async Task<Outcome<JobSnapshot>> ResumeAsync(string id, CancellationToken cancellation)
    {
        Task? recorded;
        lock (live.Gate)
            recorded = live.Find(id) is { } job ? control.Resume(job) : null;
        if (recorded is null)
            return await EndedAsync(id, "resumed", cancellation);
        bool isRecorded = await CompletesAsync(recorded, Patience, cancellation);
        // Not yet stored: a process that starts now would leave the job paused.
        return isRecorded || !live.Stopping ? await FindAsync(id, cancellation) : QuestionDispatcher.ShuttingDown;
    }

    public Task<Outcome<JobSnapshot>> ExtendAsync(string id, int steps, CancellationToken cancellation) => throw new NotImplementedException();

    public async Task<Outcome<JobSnapshot>> DeleteAsync(string id, CancellationToken cancellation)
    {
        Outcome<JobSnapshot> found = await FindAsync(id, cancellation);
        if (!found.Succeeded)
            return found;
        if (!found.Value.Status.IsTerminal())
            return new Failure(FailureCode.InvalidTransition, $"The job is {Word(found.Value.Status)}: only a job that has ended can be deleted.", "Cancel it first.");
        if (!await store.DeleteAsync(id))
            return NotFound();
        hub.Forget(id);
        try
        {
            folders.Delete(id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.FilesNotRemoved(e, id);
        }
        return found;
    }

    public async Task<Outcome<JobSnapshot>> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellation)
    {
        Task<JobSnapshot>? ended;
        lock (live.Gate)
            ended = live.Find(id)?.Ended.Task;
        if (ended is not null && await CompletesAsync(ended, timeout, cancellation) && ended.IsCompletedSuccessfully)
            return await ended;
        return await FindAsync(id, cancellation);
    }

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

    /// <inheritdoc/>
    /// <exception cref="FailureException">No such job: at the first event.</exception>
    public async IAsyncEnumerable<JobEvent> WatchAsync(
        string? id, long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        JobWatcher? watcher = id is null ? hub.SubscribeAll() : hub.Subscribe(id, afterSequence);
        if (watcher is null)
        {
            if (await EndOfAsync(id!, cancellation) is { } end && end.Sequence > afterSequence)
                yield return end;
            yield break;
        }
        try
        {
            await foreach (JobEvent entry in watcher.ReadAsync(cancellation))
                yield return entry;
        }
        finally
        {
            hub.Unsubscribe(id, watcher);
        }
    }

    public async Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellation)
    {
        Outcome<JobSnapshot> found = await FindAsync(id, cancellation);
        if (!found.Succeeded)
            return found.Failure;
        if (found.Value.Results.FirstOrDefault(entry => entry.Name == name) is not { } result)
            return new Failure(FailureCode.ResultNotFound, $"The job has no result '{name}'.", "List its results first; they appear when the job has ended.");
        return results.OpenResult(id, result) is { } stream
            ? new JobResult(result, stream)
            : new Failure(FailureCode.ResultNotFound, $"The stored result '{name}' is missing or damaged.", "Submit the job again: the same seed gives the same result.");
    }

    private JobSnapshot? FindLive(string id)
    {
        lock (live.Gate)
            return live.Find(id) is { } job ? live.Snapshot(job) : null;
    }

    private async Task<JobChangedEvent?> EndOfAsync(string id, CancellationToken cancellation) =>
        await store.FindAsync(id, cancellation) is { } row
            ? new JobChangedEvent(id, row.LastSequence, JobRowMapper.ToSnapshot(row))
            : throw new FailureException(NotFound());

    private async Task<Outcome<JobSnapshot>> EndedAsync(string id, string wish, CancellationToken cancellation)
    {
        Outcome<JobSnapshot> found = await FindAsync(id, cancellation);
        return found.Succeeded ? AlreadyEnded(found.Value, wish) : found;
    }

    private static Failure AlreadyEnded(JobSnapshot job, string wish) =>
        new(FailureCode.InvalidTransition, $"The job has {Word(job.Status)} and can't be {wish} any more.");

    private static Failure NotFound() => new(FailureCode.JobNotFound, "There is no job of this id.");

    private static string Word(JobStatus status) => status == JobStatus.Cancelled ? "been cancelled" : status.ToString().ToLowerInvariant();
}
