using System.Runtime.CompilerServices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Admission;

/// <inheritdoc cref="IJobService"/>
internal sealed class JobService(
    JobAdmission admission, IdempotentAdmission idempotent, JobExtension extension, JobLookup lookup, JobActions actions,
    JobStore store, ResultStore results,
    JobFiles files, JobEventHub hub, JobRowMapper mapper, ILogger<JobService> log) : IJobService
{
    public async Task<Outcome<JobSnapshot>> SubmitAsync(JobSubmission submission, CancellationToken cancellationToken)
    {
        Outcome<string> id = await admission.SubmitAsync(submission);
        return id.Succeeded ? await FindAsync(id.Value, cancellationToken) : id.Failure;
    }

    public async Task<Outcome<JobSnapshot>> SubmitOnceAsync(
        SubmissionKey key, Func<CancellationToken, Task<Outcome<JobSubmission>>> create, CancellationToken cancellationToken)
    {
        Outcome<string> id = await idempotent.SubmitAsync(key, create, cancellationToken);
        return id.Succeeded ? await FindAsync(id.Value, cancellationToken) : id.Failure;
    }

    public Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken) => lookup.FindAsync(id, cancellationToken);

    public Task<Outcome<JobPage>> ListAsync(JobFilter query, CancellationToken cancellationToken) =>
        lookup.ListAsync(query, cancellationToken);

    public Task<Outcome<JobSnapshot>> KeepAsync(string id, bool keep, CancellationToken cancellationToken) =>
        actions.KeepAsync(id, keep, cancellationToken);

    public Task<Outcome<JobSnapshot>> CancelAsync(string id, CancellationToken cancellationToken) =>
        actions.CancelAsync(id, cancellationToken);

    public Task<Outcome<JobSnapshot>> PauseAsync(string id, CancellationToken cancellationToken) =>
        actions.PauseAsync(id, cancellationToken);

    public Task<Outcome<JobSnapshot>> ResumeAsync(string id, CancellationToken cancellationToken) =>
        actions.ResumeAsync(id, cancellationToken);

    public Task<Outcome<JobSnapshot>> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellationToken) =>
        actions.WaitAsync(id, timeout, cancellationToken);

    public async Task<Outcome<JobSnapshot>> ExtendAsync(string id, int steps, CancellationToken cancellationToken)
    {
        Outcome<string> made = await extension.ExtendAsync(id, steps, cancellationToken);
        return made.Succeeded ? await FindAsync(made.Value, cancellationToken) : made.Failure;
    }

    public async Task<Outcome<JobSnapshot>> DeleteAsync(string id, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> found = await FindAsync(id, cancellationToken);
        if (!found.Succeeded)
            return found;
        if (!found.Value.Status.IsTerminal())
            return new Failure(FailureCode.InvalidTransition,
                $"The job is {JobLookup.Word(found.Value.Status)}: only a job that has ended can be deleted.", "Cancel it first.");
        try
        {
            if (!await DeleteRowAsync(id))
                return JobLookup.NotFound;
        }
        catch (FailureException e)
        {
            log.JobNotDeleted(e, id);
            return e.Failure;
        }
        DeleteFiles(id);
        hub.Forget(id);
        return found;
    }

    /// <summary>
    /// The row first, for a busy database keeps both; on a full disk the
    /// files make the room that taking the row away needs.
    /// </summary>
    private async Task<bool> DeleteRowAsync(string id)
    {
        try
        {
            return await store.DeleteAsync(id);
        }
        catch (FailureException e) when (e.Failure.Code == FailureCode.StorageFailed)
        {
            DeleteFiles(id);
            return await store.DeleteAsync(id);
        }
    }

    private void DeleteFiles(string id)
    {
        try
        {
            files.Delete(id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.FilesNotRemoved(e, id);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="FailureException">No such job: at the first event.</exception>
    public async IAsyncEnumerable<JobLogEntry> WatchAsync(
        string? id, long afterSequence, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        JobWatcher? watcher = id is null ? hub.SubscribeAll() : hub.Subscribe(id, afterSequence);
        if (watcher is null)
        {
            if (await EndOfAsync(id!, cancellationToken) is { } end && end.Sequence > afterSequence)
                yield return end;
            yield break;
        }
        try
        {
            await foreach (JobLogEntry entry in watcher.ReadAsync(cancellationToken))
                yield return entry;
        }
        finally
        {
            hub.Unsubscribe(id, watcher);
        }
    }

    public async Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> found = await FindAsync(id, cancellationToken);
        if (!found.Succeeded)
            return found.Failure;
        if (found.Value.Results.FirstOrDefault(entry => entry.Name == name) is not { } result)
            return new Failure(FailureCode.ResultNotFound, $"The job has no result '{name}'.",
                "List its results first; they appear when the job has ended.");
        return await results.OpenResultAsync(id, result, cancellationToken) is { } stream
            ? new JobResult(result, stream)
            : new Failure(FailureCode.ResultNotFound, $"The stored result '{name}' is missing or damaged.",
                "Submit the job again.");
    }

    private async Task<JobChangedEntry?> EndOfAsync(string id, CancellationToken cancellationToken)
    {
        JobRow row = await store.FindAsync(id, cancellationToken) ?? throw new FailureException(JobLookup.NotFound);
        // A job that can't be read is shown as failed here, though its row says that it has not ended.
        long sequence = row.Status.IsTerminal() ? row.LastSequence : JobEventLog.FirstSequence(row.Epoch + 1);
        return new JobChangedEntry(id, sequence, mapper.ToSnapshot(row));
    }
}
