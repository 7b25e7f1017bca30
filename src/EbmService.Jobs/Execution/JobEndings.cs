using EbmService.Core.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>
/// The last step of a job: 1. read the blocks' results, 2. make the result files, 3. store the end, 4. remove what is not needed any more,
/// 5. announce. A process that dies in between leaves a job that the next one ends with the same files.
/// </summary>
internal sealed class JobEndings(
    LiveJobs live, JobStore store, ResultStore results, IResultAssembler assembler, IJobDiagnostician diagnostician,
    JobLeftovers leftovers, JobAnnouncer announcer,
    JobEventHub hub, TimeProvider clock, JobsMetrics metrics, ILogger<JobEndings> log)
{
    /// <summary>A block whose result is found damaged more often than this is not computed again.</summary>
    public const int MaxDamages = 3;

    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    public async Task EndAsync(LiveJob job)
    {
        IReadOnlyList<ResultEntry>? entries = await EntriesOfAsync(job);
        if (entries is null)
            return;
        JobSnapshot end;
        JobDiagnostics? figures = job.Failure is null ? FiguresOf(job) : null;
        lock (live.Gate)
        {
            job.Diagnostics = figures ?? job.Diagnostics;
            end = EndOf(job, entries);
        }
        if (!await StoreEndAsync(job, end))
            return;
        leftovers.Remove(job, end);
        announcer.Show(job, end);
        metrics.JobEnded(end.Status);
        job.Ended.TrySetResult(end);
    }

    /// <summary>Null when a block has to be computed again first; one that a stopped job can't compute again is left out.</summary>
    private async Task<IReadOnlyList<ResultEntry>?> EntriesOfAsync(LiveJob job)
    {
        while (job.Failure is null)
        {
            if (await MakeResultsAsync(job) is { } entries)
                return entries;
            lock (live.Gate)
            {
                if (!job.TryEnd())
                    return null;
            }
        }
        return [];
    }

    /// <summary>Over all draws of the finished blocks; null where there are none.</summary>
    private JobDiagnostics? FiguresOf(LiveJob job)
    {
        BlockSeries[] series = job.SeriesOf(job.Blocks.Where(block => block.ResultSha256 is not null));
        try
        {
            return series.Length > 0 ? diagnostician.Compute(job.Definition, series, live: false) : null;
        }
        catch (Exception e)
        {
            log.DiagnosticsFailed(e, job.Id);
            return null;
        }
    }

    private JobSnapshot EndOf(LiveJob job, IReadOnlyList<ResultEntry> entries)
    {
        JobStatus status = job.Failure is not null ? JobStatus.Failed
            : job.CancelRequested ? JobStatus.Cancelled : JobStatus.Succeeded;
        JobSnapshot now = live.Snapshot(job);
        return now with
        {
            Status = status,
            StopReason = job.Failure is null ? job.Stop ?? StopReason.Steps : null,
            FinishedAt = clock.GetUtcNow(),
            Attempt = job.Attempt,
            Error = job.Failure,
            Results = entries,
            Progress = now.Progress with { QueuePosition = null, EtaSeconds = null },
        };
    }

    /// <summary>Null when a block has to be computed again first.</summary>
    private async Task<IReadOnlyList<ResultEntry>?> MakeResultsAsync(LiveJob job)
    {
        try
        {
            return await ReadBlocksAsync(job) switch
            {
                null => null,
                [] => [],
                var blocks => results.WriteResults(job.Id, assembler.Assemble(job.Definition, blocks, job.Stop ?? StopReason.Steps)),
            };
        }
        catch (Exception e)
        {
            Failure failure = e switch
            {
                FailureException known => known.Failure,
                IOException or UnauthorizedAccessException or InvalidDataException => StorageFailures.OfJob,
                _ => JobRecorder.FailureOf(e),
            };
            log.JobFailed(e, job.Id, failure.Code, failure.Message);
            lock (live.Gate)
                job.Failure = failure;
            return [];
        }
    }

    private async Task<List<BlockResult>?> ReadBlocksAsync(LiveJob job)
    {
        List<BlockResult> whole = [];
        bool goesOn = false;
        foreach (LiveBlock block in job.Blocks.Where(block => block.ResultSha256 is not null))
        {
            try
            {
                whole.Add(new BlockResult(block.Plan, results.ReadBlock(job.Id, block.Plan.Index, block.ResultSha256!)));
            }
            catch (InvalidDataException e) when (block.Damages < MaxDamages)
            {
                log.BlockResultDamaged(e, block.Plan.Index, job.Id);
                await store.ReopenBlockAsync(job.Id, block.Plan.Index, job.Epoch, block.StartStep);
                lock (live.Gate)
                {
                    job.Reopen(block);
                    Monitor.PulseAll(live.Gate);
                }
                goesOn = true;
            }
        }
        return goesOn ? null : whole;
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
                announcer.Abandon(job);
                return false;
            }
            catch (Exception e)
            {
                log.JobNotStored(e, job.Id, end.Status);
            }
            if (live.Stopping)
                return false;
            await live.PauseAsync(delay);
        }
    }
}
