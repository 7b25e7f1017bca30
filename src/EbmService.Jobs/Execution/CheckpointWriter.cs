using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Execution;

/// <summary>
/// Carries checkpoints from memory to disk, off the slots' threads and in each job's order; of a block at most one write is under way,
/// and what is on disk leaves the memory. Thread-safe.
/// </summary>
internal sealed class CheckpointWriter(
    LiveJobs live, JobStore store, CheckpointStore files, JobRecorder recorder, JobAnnouncer announcer, TimeProvider clock,
    IOptions<WorkerOptions> options, ILogger<CheckpointWriter> log) : IDisposable
{
    /// <summary>Of a slot's time at most 1/50 goes into saving, and of a writing thread's 1/20 into one block's writes.</summary>
    private const int SaveShare = 50;
    private const int WriteShare = 20;

    private static readonly TimeSpan ShortestSweep = TimeSpan.FromMilliseconds(100);

    private readonly TimeSpan _interval = TimeSpan.FromSeconds(options.Value.CheckpointSeconds);
    private ITimer? _timer;

    /// <summary>Parked blocks, whose slots have no say in it, get to disk at every interval.</summary>
    public void Start() => _timer = clock.CreateTimer(_ => WriteParked(), null, Sweep, Sweep);

    private TimeSpan Sweep => Longer(_interval, ShortestSweep);

    public void Dispose() => _timer?.Dispose();

    /// <summary>Whether a block in its quantum is to be saved after it. The caller holds the gate.</summary>
    public bool IsDue(LiveBlock block)
    {
        if (block.SavedAt is not { } last)
        {
            block.SavedAt = clock.GetTimestamp();
            block.SaveInterval = _interval;
            return false;
        }
        return !block.IsWriting && clock.GetElapsedTime(last) >= block.SaveInterval;
    }

    /// <summary>Takes what a slot saved. The caller holds the gate.</summary>
    public void Keep(LiveBlock block, SavedChains saved)
    {
        block.Checkpoint = saved.Content;
        block.CheckpointStep = block.Step;
        block.SavedAt = clock.GetTimestamp();
        block.SaveInterval = Longer(_interval, SaveShare * saved.Took);
    }

    /// <summary>Queues the block's newest checkpoint for writing. The caller holds the gate.</summary>
    public void Enqueue(LiveBlock block)
    {
        if (block.IsWriting || block.Checkpoint is null || block.Job.IsOver)
            return;
        block.IsWriting = true;
        block.Job.Then(() => WriteAsync(block));
    }

    public void WriteParked()
    {
        lock (live.Gate)
        {
            foreach (LiveBlock block in live.InOrder.SelectMany(job => job.Blocks).Where(block => block.State == BlockState.Parked))
                Enqueue(block);
        }
    }

    /// <summary>Writes what the job has in memory: one of its recorded steps.</summary>
    public async Task FlushAsync(LiveJob job)
    {
        foreach (LiveBlock block in job.Blocks)
            await WriteAsync(block);
    }

    /// <summary>The block's newest checkpoint, from memory or disk; null to start at step 0. On the slot's thread.</summary>
    public byte[]? Load(LiveBlock block)
    {
        lock (live.Gate)
        {
            if (block.Checkpoint is { } inMemory || !block.IsStored)
                return block.Checkpoint;
        }
        StoredCheckpoint? stored = files.Read(block.Job.Id, block.Plan.Index);
        lock (live.Gate)
        {
            int step = stored?.Step ?? 0;
            if (stored is null)
                log.CheckpointsLost(block.Plan.Index, block.Job.Id);
            if (step != block.Step)
                block.Job.MoveTo(block, step);
            (block.IsStored, block.CheckpointStep) = (stored is not null, step);
        }
        return stored?.Content;
    }

    private async Task WriteAsync(LiveBlock block)
    {
        LiveJob job = block.Job;
        byte[]? content;
        int step;
        lock (live.Gate)
        {
            (content, step) = (block.Checkpoint, block.CheckpointStep);
            if (content is null || job.IsOver)
            {
                block.IsWriting = false;
                return;
            }
        }
        long started = clock.GetTimestamp();
        try
        {
            if (!await store.BeginCheckpointAsync(job.Id, block.Plan.Index, job.Epoch, step))
                throw new StaleEpochException();
            files.Write(job.Id, block.Plan.Index, job.Epoch, step, content);
            Written(block, content, clock.GetElapsedTime(started));
        }
        catch (StaleEpochException)
        {
            announcer.Abandon(job);
        }
        catch (Exception e)
        {
            recorder.Fail(job, StorageFailures.OfJob, e);
        }
    }

    private void Written(LiveBlock block, byte[] content, TimeSpan took)
    {
        lock (live.Gate)
        {
            block.IsWriting = false;
            block.IsStored = true;
            block.SaveInterval = Longer(block.SaveInterval, WriteShare * took);
            if (ReferenceEquals(block.Checkpoint, content))
                block.Checkpoint = null;
            else if (block.State == BlockState.Parked)
                Enqueue(block);
        }
    }

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
