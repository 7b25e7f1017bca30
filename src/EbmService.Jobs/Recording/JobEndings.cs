using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Retention;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Recording;

/// <summary>
/// The last step of a job: 1. read the blocks' results, 2. make the result files, 3. store the end, 4. remove what is not needed any more,
/// 5. show the end (the recorder) and tell who waits. A process that dies in between leaves a job that the next one ends with the
/// same files. Where the files can't be made because a model is away, the end waits for it as running blocks do.
/// </summary>
internal sealed class JobEndings(
    LiveJobs live, JobStore store, ResultStore results, CheckpointStore checkpoints, JobFolders folders, JobFiles files, IResultAssembler assembler,
    JobModels models, IJobStatistician statistician, JobEventHub hub, TimeProvider clock, JobsMetrics metrics,
    StorageMetrics storage, RetentionPolicy retention, RetentionSweep sweep, ILogger<JobEndings> log)
{
    /// <summary>A block whose result is found damaged more often than this is not computed again.</summary>
    public const int MaxDamages = 3;

    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    /// <returns>The stored end; null when the process stops first or a block has to be computed again.</returns>
    /// <exception cref="StaleEpochException">The job belongs to a newer process.</exception>
    public async Task<JobSnapshot?> StoreEndAsync(Job job)
    {
        IReadOnlyList<ResultEntry>? entries = job.Failure is null ? await MakeResultsAsync(job, await ReadBlocksAsync(job)) : [];
        if (entries is null)
            return null;
        if (job.Failure is null && DiagnosticsOf(job) is { } diagnostics)
            job.Diagnose(diagnostics);
        JobSnapshot end = retention.Complete(job.SnapshotOfEnd(entries, clock.GetUtcNow()));
        for (TimeSpan delay = TimeSpan.FromMilliseconds(100); ; delay = delay < LongestRetry ? 2 * delay : LongestRetry)
        {
            if (await TryStoreAsync(job, end))
            {
                RemoveLeftovers(job, end);
                return end;
            }
            if (live.Stopping)
                return null;
            await live.PauseAsync(delay);
        }
    }

    /// <summary>The end is shown: whoever waits for it is told.</summary>
    public void Tell(Job job, JobSnapshot end)
    {
        metrics.Ended(end);
        job.TellEnd(end);
        sweep.JobEnded();
    }

    /// <summary>Of a job that failed without files everything goes, of others all but the results and, where they can be extended, the checkpoints.</summary>
    private void RemoveLeftovers(Job job, JobSnapshot end)
    {
        try
        {
            if (end.Status == JobStatus.Failed && end.Results.Count == 0)
            {
                folders.Delete(job.Id);
                return;
            }
            results.DeleteBlocks(job.Id);
            if (job.IsExtendable && end.IsExtendable())
            {
                foreach (IBlock block in job.Blocks)
                    checkpoints.Prune(job.Id, block.Plan.Index);
                return;
            }
            checkpoints.Delete(job.Id);
            folders.Delete(job.Id, JobFolders.Inputs);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.FilesNotRemoved(e, job.Id);
        }
        finally
        {
            files.Forget(job.Id);
        }
    }

    /// <summary>The stored results of the finished blocks; null when some are damaged and are to be computed again first.</summary>
    private async Task<List<BlockResult>?> ReadBlocksAsync(Job job)
    {
        List<BlockResult> whole = [];
        List<IBlock> damaged = [];
        try
        {
            foreach (IBlock block in job.Blocks.Where(block => block.ResultSha256 is not null))
            {
                try
                {
                    results.CheckBlock(job.Id, block.Plan.Index, block.ResultSha256!);
                    whole.Add(new BlockResult(block.Plan, () => results.ReadBlock(job.Id, block.Plan.Index)));
                }
                catch (InvalidDataException e) when (block.Damages < MaxDamages)
                {
                    log.BlockResultDamaged(e, block.Plan.Index, job.Id);
                    await store.ReopenBlockAsync(job.Id, block.Plan.Index, job.Epoch, block.StartStep);
                    damaged.Add(block);
                }
            }
        }
        catch (Exception e)
        {
            FailEnd(job, e);
            return [];
        }
        if (damaged.Count == 0)
            return whole;
        job.Reopen(damaged);
        return null;
    }

    /// <returns>Null when the process stops while the end waits for a model, or there are no blocks yet.</returns>
    private async Task<IReadOnlyList<ResultEntry>?> MakeResultsAsync(Job job, List<BlockResult>? blocks)
    {
        if (blocks is null or [])
            return blocks is null ? null : [];
        long started = clock.GetTimestamp();
        while (true)
        {
            try
            {
                Failure? failure = null;
                using Activity? span = job.Trace?.Storage(StorageKind.Results);
                long began = clock.GetTimestamp();
                IReadOnlyList<ResultEntry> entries = results.WriteResults(
                    job.Id, files => failure = assembler.Assemble(job.Definition, blocks, job.Stop ?? StopReason.Completed, files));
                long bytes = entries.Sum(entry => entry.Size);
                storage.Written(StorageKind.Results, began, bytes);
                span?.SetTag("ebm.storage.files", entries.Count).SetTag("ebm.storage.bytes", bytes);
                if (failure is not null)
                    FailEnd(job, new FailureException(failure));
                return entries;
            }
            catch (Exception e) when (JobModels.IsOfModel(FailureOf(e)))
            {
                if (clock.GetElapsedTime(started) >= models.Patience)
                {
                    EndWithoutModel(job, e);
                    return [];
                }
            }
            catch (Exception e)
            {
                FailEnd(job, e);
                return [];
            }
            log.ModelAwaited(job.Id, job.Model.ToString(), models.Patience);
            if (!await models.LookAgainAsync(job.Definition))
                return null;
        }
    }

    /// <summary>A job that was cancelled stays cancelled, without files.</summary>
    private void EndWithoutModel(Job job, Exception exception)
    {
        if (job.Stop == StopReason.Cancelled)
            log.PartsNotKept(exception, job.Id);
        else
            FailEnd(job, models.WhyMissing(job.Definition) is { } missing ? new FailureException(missing, exception) : exception);
    }

    private void FailEnd(Job job, Exception exception)
    {
        Failure failure = FailureOf(exception);
        job.Fail(failure, overrulesEnd: true);
        log.JobFailed(exception, job.Id, failure.Code, failure.Message);
    }

    private static Failure FailureOf(Exception exception) => exception switch
    {
        FailureException known => known.Failure,
        IOException or UnauthorizedAccessException or InvalidDataException => StorageFailures.OfJob,
        _ => JobRecorder.FailureOf(exception),
    };

    /// <summary>Over the statistics of all finished blocks; null where there are none.</summary>
    private JobStatistics? DiagnosticsOf(Job job)
    {
        BlockStatistics[] series = job.FinishedSeries();
        try
        {
            return series.Length > 0 ? statistician.Compute(job.Definition, series, live: false) : null;
        }
        catch (Exception e)
        {
            log.DiagnosticsFailed(e, job.Id);
            return null;
        }
    }

    /// <summary>An end is announced only once it is stored; a full disk delays it.</summary>
    private async Task<bool> TryStoreAsync(Job job, JobSnapshot end)
    {
        try
        {
            return await store.UpdateAsync(end, job.Epoch, hub.NextSequence(job.Id)) ? true : throw new StaleEpochException();
        }
        catch (Exception e) when (e is not StaleEpochException)
        {
            log.JobNotStored(e, job.Id, end.Status);
            return false;
        }
    }
}

internal static class Extendability
{
    /// <summary>Whether all blocks of the job stopped at one step, from which they can go on.</summary>
    public static bool IsExtendable(this JobSnapshot job) => IsExtendable(job.Status, job.StopReason);

    public static bool IsExtendable(JobStatus status, string? stopReason) =>
        status == JobStatus.Succeeded && (stopReason == StopReason.Completed || StopReason.IsRule(stopReason));
}
