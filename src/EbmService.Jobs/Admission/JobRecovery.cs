using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Admission;

/// <summary>
/// Takes over what a dead process left: queued jobs stay queued, paused ones paused; running ones are queued with one more
/// attempt and go on from each block's newest checkpoint, finished blocks keeping their results; cancelling ones are closed where
/// their checkpoints are; half-written files and folders of deleted jobs go.
/// </summary>
internal sealed class JobRecovery(
    JobStore store, ResultStore results, CheckpointStore checkpoints, JobFolders folders, JobIntake intake, DataFolderLock folder,
    IJobDuties duties, JobRowMapper mapper, TimeProvider clock, ILogger<JobRecovery> log)
{
    public const int MaxFruitlessAttempts = 3;

    private static readonly Failure ProcessLost = new(FailureCode.ProcessLost,
        "The service's process ended abruptly three times while this job ran, before anything new of it could be stored.",
        "It may need more memory than there is, or meet a defect: ask for a smaller job, and tell the operator.");

    /// <returns>How many jobs go on.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // The first queries of a process take half a second to compile, which a command that begins with an empty store would notice.
        bool isNew = await store.MigrateAsync(cancellationToken);
        List<StoredEnd> jobs = isNew ? [] : await store.ListEndsAsync(cancellationToken);
        folders.Sweep(jobs.ToDictionary(job => job.Id, mapper.FilesOf), log.FilesNotRemoved);
        if (isNew)
            return 0;
        int taken = 0;
        string after = "";
        while (await store.ListUnfinishedAsync(after, cancellationToken) is { Count: > 0 } page)
        {
            foreach (JobRow row in page)
                taken += await ReclaimAsync(row, cancellationToken) ? 1 : 0;
            after = page[^1].Id;
        }
        return taken;
    }

    private async Task<bool> ReclaimAsync(JobRow row, CancellationToken cancellationToken)
    {
        row.Epoch++;
        foreach (BlockRow block in row.Blocks)
            block.LeaseEpoch = row.Epoch;
        bool wasAtWork = row.Status is JobStatus.Running or JobStatus.Cancelling;
        if (row.Status == JobStatus.Running)
        {
            if (folder.FollowsUncleanEnd)
                log.JobInterrupted(row.Id, row.Attempt);
            (row.Status, row.Attempt) = (JobStatus.Queued, row.Attempt + 1);
        }
        if (TryRead(row) is not { } job)
            return false;
        CountAttempt(job, row, wasAtWork);
        await store.ReclaimAsync(row);
        intake.Take(job);
        return true;
    }

    /// <summary>A job that kills its process would be resumed at every start without end.</summary>
    private void CountAttempt(Job job, JobRow row, bool wasAtWork)
    {
        bool wentOn = job.DoneUnits > row.AttemptFrom;
        if (wasAtWork && wentOn)
            row.FruitlessAttempts = 0;
        else if (wasAtWork && folder.FollowsUncleanEnd)
            row.FruitlessAttempts++;
        row.AttemptFrom = job.DoneUnits;
        if (row.FruitlessAttempts >= MaxFruitlessAttempts && job.Fail(ProcessLost) == JobChange.Made)
            log.JobFailed(null, job.Id, ProcessLost.Code, ProcessLost.Message);
        else if (row.FruitlessAttempts > 0)
            job.Suspect();
    }

    /// <summary>Null where this version can't read the row, which stays as it is: a version that can goes on with the job.</summary>
    private Job? TryRead(JobRow row)
    {
        try
        {
            var job = new Job(mapper.Read(row), JobRowMapper.ToPlan(row), row.Epoch, duties, clock, JobRowMapper.ToStartSteps(row));
            foreach (BlockRow block in row.Blocks)
                Restore(job, block);
            job.Recover(row.Status, row.StopReason, row.StopStep);
            return job;
        }
        catch (Exception e)
        {
            log.JobUnreadable(e, row.Id);
            return null;
        }
    }

    private void Restore(Job job, BlockRow row)
    {
        if (checkpoints.Peek(job.Id, row.Index) is { } newest)
            job.RestoreParked(row.Index, newest.Step);
        if (row is { State: BlockRowState.Done, ResultSha256: { } sha256 })
            job.RestoreDone(row.Index, row.Step, sha256, results.ReadReport(job.Id, row.Index));
        else
            row.State = BlockRowState.Waiting;
    }
}
