using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>
/// Carries what the slots decided to disk and to watchers, off the slots' threads and in order for each job: stored first, then
/// shown, then announced. So whoever was told of a state finds it, also after a crash.
/// </summary>
internal sealed class JobRecorder(
    LiveJobs live, JobStore store, ResultStore results, CheckpointStore checkpoints, JobEndings endings, JobAnnouncer announcer,
    TimeProvider clock, ILogger<JobRecorder> log)
{
    /// <summary>Records a status that is not an end. The caller holds the gate.</summary>
    public Task RecordStatus(LiveJob job, JobStatus status) => job.Then(() => RecordStatusAsync(job, status));

    /// <summary>Stores a finished block's bytes. The caller holds the gate.</summary>
    /// <param name="result">What <see cref="IWorkload.Finish"/> gave.</param>
    /// <param name="chains">What <see cref="IWorkload.Save"/> gave, where the job may be extended.</param>
    public Task RecordBlock(LiveBlock block, byte[] result, byte[]? chains)
    {
        StepReport report = (block.Report ?? new StepReport(block.Step, Done: true)) with { Series = block.Series };
        return block.Job.Then(() => RecordBlockAsync(block, report, result, chains));
    }

    /// <summary>Ends the job when nothing of it is left to compute. The caller holds the gate.</summary>
    public void TryEnd(LiveJob job)
    {
        if (job.TryEnd())
            job.Then(() => endings.EndAsync(job));
    }

    /// <summary>Ends the job as failed; the first failure is the one told.</summary>
    /// <param name="overrulesEnd">The end that is on its way has yet to read this: from a step recorded before it.</param>
    public void Fail(LiveJob job, Failure failure, Exception? exception, bool overrulesEnd = false)
    {
        lock (live.Gate)
        {
            if (job.Failure is not null || (job.Ending && !overrulesEnd))
                return;
            job.Failure = failure;
            job.DropWaiting();
            TryEnd(job);
            Monitor.PulseAll(live.Gate);
        }
        log.JobFailed(exception, job.Id, failure.Code, failure.Message);
    }

    /// <summary>As <see cref="RecordStatus"/>, from within a recorded step.</summary>
    public async Task RecordStatusAsync(LiveJob job, JobStatus status)
    {
        JobSnapshot next;
        lock (live.Gate)
        {
            next = live.Snapshot(job) with { Status = status, Attempt = job.Attempt };
            if (status == JobStatus.Running)
                next = next with { StartedAt = next.StartedAt ?? clock.GetUtcNow() };
        }
        try
        {
            if (!await store.UpdateAsync(next, job.Epoch, lastSequence: 0))
            {
                announcer.Abandon(job);
                return;
            }
        }
        catch (Exception e)
        {
            // Not worth a job: a process that reads the older state goes on with the job just the same.
            log.JobNotStored(e, job.Id, status);
        }
        announcer.Show(job, next);
    }

    private async Task RecordBlockAsync(LiveBlock block, StepReport report, byte[] result, byte[]? chains)
    {
        LiveJob job = block.Job;
        try
        {
            if (chains is not null)
                WriteChains(block, report.Step, chains);
            string sha256 = results.WriteBlock(job.Id, block.Plan.Index, result, report);
            if (!await store.CompleteBlockAsync(job.Id, block.Plan.Index, job.Epoch, report.Step, sha256))
            {
                announcer.Abandon(job);
                return;
            }
            block.ResultSha256 = sha256;
        }
        catch (StaleEpochException)
        {
            announcer.Abandon(job);
        }
        catch (Exception e)
        {
            Fail(job, StorageFailures.OfJob, e, overrulesEnd: true);
        }
    }

    private void WriteChains(LiveBlock block, int step, byte[] chains)
    {
        checkpoints.Write(block.Job.Id, block.Plan.Index, block.Job.Epoch, step, chains);
        lock (live.Gate)
            (block.IsStored, block.CheckpointStep) = (true, step);
    }

    /// <summary>What a client is told of an exception: its stated failure, or that it was ours.</summary>
    public static Failure FailureOf(Exception exception) => (exception as FailureException)?.Failure
        ?? new Failure(FailureCode.Internal, "The work stopped on an unexpected error.", "Try again; if it happens again, report it with the job's id.");
}
