using EbmService.Jobs.Progress;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Retention;

/// <summary>
/// Deletes jobs that have ended by age and by size: at the start, every hour, and when a job has ended. A job's row goes first, in one transaction with its
/// blocks and its idempotency key: from then on there is no such job. Its folder follows; one whose row went with a process that was killed, or that the disk
/// held back, goes at the next start (JobFolders.Sweep) or within a day here. So there is no row without its files.
/// </summary>
/// <remarks>1. measure what has ended since; 2. choose; 3. delete row and files of each; 4. folders without a row.</remarks>
internal sealed class RetentionSweep(
    JobStore store, JobFolders folders, JobFiles files, JobPins pins, JobEventHub hub, RetentionPolicy policy, RetentionMetrics metrics, TimeProvider clock,
    ILogger<RetentionSweep> log) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Of jobs that end one after the other not each is worth a look.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);

    /// <summary>A folder may be a job's that is just being taken in: its id says when that began.</summary>
    private static readonly TimeSpan StrayAge = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _ended = new(0, 1);
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>A job has ended: its files take room now.</summary>
    public void JobEnded()
    {
        if (!policy.IsOn)
            return;
        try
        {
            _ended.Release();
        }
        catch (SemaphoreFullException)
        {
            // It will look anyway.
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (policy.IsOn)
        {
            bool isOver = await TrySweepAsync(stoppingToken);
            // What is over the limit but has just ended may go when its time of grace is over.
            await WaitAsync(isOver ? RetentionChoice.Grace : Interval, stoppingToken);
        }
    }

    /// <returns>Whether there is more than there may be.</returns>
    public async Task<bool> SweepAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await SweepOnceAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<bool> SweepOnceAsync(CancellationToken cancellationToken)
    {
        await MeasureAsync(cancellationToken);
        List<RetainedJob> jobs = await store.ListRetainedAsync(cancellationToken);
        foreach ((string id, SweepReason reason) in RetentionChoice.Choose(jobs, clock.GetUtcNow(), policy.Age, policy.MaxBytes))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await TryDeleteAsync(id, reason))
                jobs.RemoveAll(job => job.Id == id);
        }
        DeleteStrays([.. await store.ListIdsAsync(cancellationToken)]);
        metrics.Measured(jobs);
        return jobs.Where(job => !job.Keep).Sum(job => job.Bytes) > policy.MaxBytes;
    }

    private async Task<bool> TrySweepAsync(CancellationToken stoppingToken)
    {
        try
        {
            return await SweepAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            // A busy database or a disk that refuses: the next one finds the same.
            log.SweepFailed(e);
            return false;
        }
    }

    private async Task WaitAsync(TimeSpan longest, CancellationToken stoppingToken)
    {
        await Task.Delay(ShortestPause, clock, stoppingToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        using ITimer timer = clock.CreateTimer(_ => limit.Cancel(), null, longest, Timeout.InfiniteTimeSpan);
        try
        {
            await _ended.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            // The hour is over.
        }
    }

    private async Task MeasureAsync(CancellationToken cancellationToken)
    {
        while (await store.ListUnmeasuredAsync(cancellationToken) is { Count: > 0 } page)
            await store.MeasuredAsync(page.ToDictionary(job => job.Id, job => job.RecordBytes + folders.SizeOf(job.Id)));
    }

    private async Task<bool> TryDeleteAsync(string id, SweepReason reason)
    {
        if (!pins.TryLeave(id))
            return false;
        try
        {
            // Kept, or deleted by a client, since it was chosen.
            if (!await store.DeleteUnkeptAsync(id))
                return false;
            files.Delete(id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.FilesNotRemoved(e, id);
        }
        finally
        {
            pins.Left(id);
        }
        hub.Forget(id);
        metrics.Swept(reason);
        log.JobSwept(id, reason);
        return true;
    }

    private void DeleteStrays(HashSet<string> known)
    {
        DateTimeOffset before = clock.GetUtcNow() - StrayAge;
        foreach (string id in folders.All().Where(id => !known.Contains(id) && JobFolders.TimeOf(id) < before))
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
    }

    public override void Dispose()
    {
        _ended.Dispose();
        _turn.Dispose();
        base.Dispose();
    }
}
