using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Recording;

/// <summary>
/// Carries what jobs decided to disk and to watchers, off the slots' threads and in order for each job: stored first, then
/// shown, then announced. So whoever was told of a state finds it, also after a crash.
/// </summary>
internal sealed class JobRecorder(
    LiveJobs live, JobStore store, ResultStore results, CheckpointStore files, CheckpointWriter checkpoints,
    JobEndings endings, JobModels models, JobEventHub hub, StorageMetrics metrics,
    TimeProvider clock, ILogger<JobRecorder> log)
{
    /// <summary>Storing what finished blocks left takes at most 1/20 of a job's time, but none waits for longer than a second.</summary>
    private const int StoreShare = 20;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <summary>Carries one entry out; a disk that refuses fails the job, and a job of a newer process is let go.</summary>
    public async Task RecordAsync(Job job, JobEntry entry)
    {
        // Entries behind one that found the job to be another process's.
        if (job.State == JobState.Ended)
            return;
        try
        {
            await CarryOutAsync(job, entry);
        }
        catch (StaleEpochException)
        {
            Abandon(job);
        }
        catch (Exception e)
        {
            Fail(job, StorageFailures.OfJob, e, overrulesEnd: true);
        }
    }

    /// <summary>Ends the job as failed; the first failure is the one told.</summary>
    /// <param name="overrulesEnd">The end that is on its way has yet to read this.</param>
    public void Fail(Job job, Failure failure, Exception? exception, bool overrulesEnd = false)
    {
        if (job.Fail(failure, overrulesEnd) == JobChange.Made)
            log.JobFailed(exception, job.Id, failure.Code, failure.Message);
    }

    /// <summary>What a client is told of an exception: its stated failure, or that it was ours.</summary>
    public static Failure FailureOf(Exception exception) => (exception as FailureException)?.Failure
        ?? new Failure(FailureCode.Internal, "The work stopped on an unexpected error.",
            "Try again; if it happens again, report it with the job's id.");

    private Task CarryOutAsync(Job job, JobEntry entry) => entry switch
    {
        StatusEntry status => RecordStatusAsync(job, status.Status),
        PauseEntry pause => RecordPauseAsync(job, pause),
        CheckpointEntry checkpoint => checkpoints.WriteAsync(checkpoint.Block),
        FinishedEntry finished => RecordFinishedAsync(job, finished),
        StopEntry stop => RecordStopAsync(job, stop),
        EndEntry => RecordEndAsync(job),
        _ => throw new ArgumentOutOfRangeException(nameof(entry)),
    };

    /// <summary>What a client asked for is tried until it is stored, and shown only then.</summary>
    private async Task RecordStatusAsync(Job job, JobStatus status)
    {
        JobSnapshot next = job.SnapshotOf(status, live.PositionOf(job), clock.GetUtcNow());
        while (!await TryStoreAsync(job, next))
        {
            // Nobody asked for it: a process that reads the older state goes on with the job just the same.
            if (status == JobStatus.Running)
                break;
            job.StorageRefused();
            await live.PauseAsync(Retry);
            if (live.Stopping || (status == JobStatus.Paused && !job.IsPauseWanted))
                return;
            next = job.SnapshotOf(status, live.PositionOf(job), clock.GetUtcNow());
        }
        Show(job, next);
    }

    private async Task<bool> TryStoreAsync(Job job, JobSnapshot next)
    {
        try
        {
            return await store.UpdateAsync(next, job.Epoch, lastSequence: 0) ? true : throw new StaleEpochException();
        }
        catch (Exception e) when (e is not StaleEpochException)
        {
            log.JobNotStored(e, job.Id, next.Status);
            return false;
        }
    }

    private async Task RecordPauseAsync(Job job, PauseEntry pause)
    {
        try
        {
            foreach (IBlock block in job.Blocks)
                await checkpoints.WriteAsync(block);
            if (job.IsPauseWanted)
                await RecordStatusAsync(job, JobStatus.Paused);
        }
        finally
        {
            pause.Done.TrySetResult(true);
        }
    }

    private async Task RecordFinishedAsync(Job job, FinishedEntry entry)
    {
        TimeSpan wait = job.FinishedWait();
        if (wait > TimeSpan.Zero)
            await Task.WhenAny(live.PauseAsync(wait), entry.Hurry);
        long started = clock.GetTimestamp();
        await StoreAsync(job, job.Take(entry));
        TimeSpan rest = StoreShare * clock.GetElapsedTime(started);
        job.FinishedStored(rest < LongestWait ? rest : LongestWait);
    }

    /// <summary>1. the lease, 2. the checkpoints, 3. results and reports, 4. the database: who finds a block done finds all of it.</summary>
    private async Task StoreAsync(Job job, FinishedBlock[] blocks)
    {
        using Activity? span = job.Trace?.Storage(StorageKind.Blocks)?.SetTag("ebm.blocks", blocks.Length);
        long started = clock.GetTimestamp();
        if (!await store.BeginResultsAsync(job.Id, job.Epoch, [.. blocks.Select(block => block.Index)]))
            throw new StaleEpochException();
        FinishedBlock[] kept = [.. blocks.Where(block => block.Checkpoint is not null)];
        files.WriteFinished(job.Id, job.Epoch, [.. kept.Select(block => (block.Index, block.Report.Step, block.Checkpoint!))]);
        foreach (FinishedBlock block in kept)
            job.CheckpointWritten(block.Index, block.Report.Step);
        IReadOnlyList<CompletedBlock> completed = results.WriteBlocks(job.Id, job.Epoch, blocks);
        if (!await store.CompleteBlocksAsync(job.Id, job.Epoch, completed))
            throw new StaleEpochException();
        metrics.Written(StorageKind.Blocks, started, blocks.Sum(block => (long)block.Result.Length + (block.Checkpoint?.Length ?? 0)));
        foreach (CompletedBlock block in completed)
            job.ResultWritten(block.Index, block.Sha256);
    }

    /// <summary>
    /// A stop is first stored, then done, so that a process that takes
    /// the job over in between stops it at the same step.
    /// </summary>
    private async Task RecordStopAsync(Job job, StopEntry stop)
    {
        while (!await TryStoreAsync(job, stop))
        {
            if (live.Stopping)
                return;
            await live.PauseAsync(Retry);
        }
        job.EnterStop(stop.Reason, stop.Step);
        if (job.Failure is { Code: FailureCode.DeadlineExceeded } tooLate)
            log.JobFailed(null, job.Id, tooLate.Code, tooLate.Message);
    }

    private async Task<bool> TryStoreAsync(Job job, StopEntry stop)
    {
        try
        {
            return await store.DecideStopAsync(job.Id, job.Epoch, stop.Reason, stop.Step) ? true : throw new StaleEpochException();
        }
        catch (Exception e) when (e is not StaleEpochException)
        {
            log.StopNotStored(e, job.Id, stop.Reason);
            return false;
        }
    }

    private async Task RecordEndAsync(Job job)
    {
        if (await endings.StoreEndAsync(job) is not { } end)
            return;
        Show(job, end);
        job.Trace?.End(end);
        endings.Tell(job, end);
    }

    /// <summary>Makes a stored state the one that clients see.</summary>
    private void Show(Job job, JobSnapshot stored)
    {
        if (job.Show(stored) != JobChange.Made)
            return;
        job.Trace?.Shown(stored.Status);
        if (stored.Status.IsTerminal())
        {
            live.Remove(job);
            models.Release(job);
        }
        hub.Publish(job.Recorded);
        log.JobChanged(job.Id, stored.Status);
    }

    /// <summary>The row is gone or a newer process's: its files and its end are not ours to touch.</summary>
    private void Abandon(Job job)
    {
        live.Remove(job);
        hub.Forget(job.Id);
        job.Trace?.Interrupt();
        if (job.Abandon() == JobChange.Made)
            log.JobAbandoned(job.Id);
        models.Release(job);
    }
}
