using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Execution;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Admission;

/// <summary>
/// Takes over what a dead process left: queued jobs stay queued, running ones start over with one more attempt, cancelling ones
/// are cancelled; half-written files and folders of deleted jobs go.
/// </summary>
internal sealed class JobRecovery(JobStore store, ResultStore results, JobBoard board, JobEventHub hub, TimeProvider clock, ILogger<JobRecovery> log)
{
    /// <returns>How many jobs are queued again.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await store.MigrateAsync(cancellation);
        results.Sweep(await store.ListIdsAsync(cancellation), log.FilesNotRemoved);
        int queued = 0;
        string after = "";
        while (await store.ListUnfinishedAsync(after, cancellation) is { Count: > 0 } page)
        {
            foreach (JobRow row in page)
                queued += await ReclaimAsync(row, cancellation) ? 1 : 0;
            after = page[^1].Id;
        }
        return queued;
    }

    private async Task<bool> ReclaimAsync(JobRow row, CancellationToken cancellation)
    {
        bool goesOn = row.Status != JobStatus.Cancelling;
        // Whatever an earlier process stored of the job is of another attempt.
        RemoveFiles(row.Id);
        if (row.Status is not (JobStatus.Queued or JobStatus.Cancelling))
            row.Attempt++;
        row.Epoch++;
        row.Status = JobStatus.Queued;
        row.StartedAt = goesOn ? null : row.StartedAt;
        row.Progress = JobRowMapper.ToJson(new JobProgress());
        foreach (BlockRow block in row.Blocks)
            (block.State, block.Step, block.LeaseEpoch) = (BlockRowState.Waiting, 0, row.Epoch);
        LiveJob? job = goesOn ? TryRead(row) : null;
        if (job is null)
            End(row, goesOn);
        await store.ReclaimAsync(row, cancellation);
        if (job is null)
            return false;
        hub.Open(job.Id, job.Epoch);
        board.Add(job);
        return true;
    }

    private void RemoveFiles(string id)
    {
        try
        {
            results.DeleteJob(id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The new attempt writes over them.
            log.FilesNotRemoved(e, id);
        }
    }

    private LiveJob? TryRead(JobRow row)
    {
        try
        {
            return new LiveJob(JobRowMapper.ToSnapshot(row), JobRowMapper.ToPlan(row), row.Epoch, clock);
        }
        catch (Exception e)
        {
            log.JobUnreadable(e, row.Id);
            return null;
        }
    }

    private void End(JobRow row, bool unreadable)
    {
        row.Status = unreadable ? JobStatus.Failed : JobStatus.Cancelled;
        row.FinishedAt = clock.GetUtcNow();
        row.LastSequence = JobEventLog.FirstSequence(row.Epoch);
        if (unreadable)
            row.Error = JobRowMapper.ToJson(new Failure(FailureCode.Internal, "The stored job can't be read by this version.", "Submit it again."));
    }
}
