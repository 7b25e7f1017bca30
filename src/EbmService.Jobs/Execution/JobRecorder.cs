using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>
/// Carries what the slots decided to disk and to watchers, off the slots' threads and in order for each job: stored first, then
/// shown, then announced. So whoever was told of a state finds it, also after a crash.
/// </summary>
internal sealed class JobRecorder(
    LiveJobs live, JobStore store, ResultStore results, IResultAssembler assembler, JobEventHub hub,
    TimeProvider clock, JobsMetrics metrics, ILogger<JobRecorder> log)
{
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    /// <summary>Records a status that is not an end. The caller holds the gate.</summary>
    public Task RecordStatus(LiveJob job, JobStatus status) => job.Then(() => RecordStatusAsync(job, status));

    /// <summary>Stores a finished block's bytes. The caller holds the gate.</summary>
    public Task RecordBlock(LiveBlock block, byte[] result) => block.Job.Then(() => RecordBlockAsync(block, result));

    /// <summary>Ends the job when nothing of it is left to compute. The caller holds the gate.</summary>
    public void TryEnd(LiveJob job)
    {
        if (job.TryEnd())
            job.Then(() => EndAsync(job));
    }

    private async Task RecordStatusAsync(LiveJob job, JobStatus status)
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
            await store.UpdateAsync(next, job.Epoch, lastSequence: 0);
        }
        catch (Exception e)
        {
            // Not worth a job: a process that reads the older state starts the job over just the same.
            log.JobNotStored(e, job.Id, status);
        }
        Show(job, next);
    }

    private async Task RecordBlockAsync(LiveBlock block, byte[] result)
    {
        LiveJob job = block.Job;
        try
        {
            block.ResultSha256 = results.WriteBlock(job.Id, block.Plan.Index, result);
            await store.CompleteBlockAsync(job.Id, block.Plan.Index, job.Epoch, block.Step);
        }
        catch (Exception e)
        {
            lock (live.Gate)
            {
                job.Failure ??= StorageFailure();
                TryEnd(job);
            }
            log.JobFailed(e, job.Id, FailureCode.StorageFailed, "a block's result could not be stored");
        }
    }

    private async Task EndAsync(LiveJob job)
    {
        IReadOnlyList<ResultEntry> entries = job.Failure is null ? MakeResults(job) : [];
        JobSnapshot end;
        lock (live.Gate)
        {
            JobStatus status = job.Failure is not null ? JobStatus.Failed
                : job.CancelRequested ? JobStatus.Cancelled : JobStatus.Succeeded;
            end = live.Snapshot(job) with
            {
                Status = status, FinishedAt = clock.GetUtcNow(), Attempt = job.Attempt, Error = job.Failure, Results = entries,
            };
            end = end with { Progress = end.Progress with { QueuePosition = null, EtaSeconds = null } };
        }
        if (!await StoreEndAsync(job, end))
            return;
        RemoveLeftovers(job, end.Status);
        Show(job, end);
        metrics.JobEnded(end.Status);
        job.Ended.TrySetResult(end);
    }

    private IReadOnlyList<ResultEntry> MakeResults(LiveJob job)
    {
        try
        {
            List<BlockResult> blocks = [.. job.Blocks.Where(block => block.ResultSha256 is not null)
                .Select(block => new BlockResult(block.Plan, results.ReadBlock(job.Id, block.Plan.Index, block.ResultSha256!)))];
            return blocks.Count == 0 ? [] : results.WriteResults(job.Id, assembler.Assemble(job.Definition, blocks, job.CancelRequested ? StopReason.Cancelled : StopReason.Steps));
        }
        catch (Exception e)
        {
            Failure failure = e switch
            {
                FailureException known => known.Failure,
                IOException or UnauthorizedAccessException => StorageFailure(),
                _ => FailureOf(e),
            };
            log.JobFailed(e, job.Id, failure.Code, failure.Message);
            lock (live.Gate)
                job.Failure = failure;
            return [];
        }
    }

    /// <summary>An end is announced only once it is stored; a full disk delays it. False when the process stopped first or the job is not ours any more.</summary>
    private async Task<bool> StoreEndAsync(LiveJob job, JobSnapshot end)
    {
        for (TimeSpan delay = TimeSpan.FromMilliseconds(100); ; delay = delay < LongestRetry ? 2 * delay : LongestRetry)
        {
            try
            {
                if (await store.UpdateAsync(end, job.Epoch, hub.NextSequence(job.Id)))
                    return true;
                Abandon(job);
                return false;
            }
            catch (Exception e)
            {
                log.JobNotStored(e, job.Id, end.Status);
            }
            if (live.Stopping)
                return false;
            await Task.Delay(delay, clock);
        }
    }

    /// <summary>The row is gone or a newer process's: its files and its end are not ours to touch.</summary>
    private void Abandon(LiveJob job)
    {
        lock (live.Gate)
        {
            live.Remove(job);
            hub.Forget(job.Id);
        }
        job.Ended.TrySetCanceled();
        log.JobAbandoned(job.Id);
    }

    private void RemoveLeftovers(LiveJob job, JobStatus status)
    {
        try
        {
            if (status == JobStatus.Failed)
                results.DeleteJob(job.Id);
            else
                results.DeleteBlocks(job.Id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.FilesNotRemoved(e, job.Id);
        }
    }

    private void Show(LiveJob job, JobSnapshot snapshot)
    {
        lock (live.Gate)
        {
            job.Recorded = snapshot;
            if (snapshot.Status.IsTerminal())
                live.Remove(job);
            hub.Publish(snapshot);
        }
        log.JobChanged(job.Id, snapshot.Status);
    }

    /// <summary>What a client is told of an exception: its stated failure, or that it was ours.</summary>
    public static Failure FailureOf(Exception exception) => (exception as FailureException)?.Failure
        ?? new Failure(FailureCode.Internal, "The work stopped on an unexpected error.", "Try again; if it happens again, report it with the job's id.");

    private static Failure StorageFailure() =>
        new(FailureCode.StorageFailed, "The server could not store the results.", "Submit the job again later.");
}
