using System.Diagnostics;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Recording;

/// <summary>
/// Carries checkpoints from memory to disk, off the slots' threads and in each job's order; of a block at most one write is under way,
/// and what is on disk leaves the memory. Thread-safe.
/// </summary>
internal sealed class CheckpointWriter(
    LiveJobs live, JobStore store, CheckpointStore files, StorageMetrics metrics, TimeProvider clock,
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

    /// <summary>Whether a block in its quantum is to be saved after it.</summary>
    public bool IsDue(IBlock block) => block.Job.IsSaveDue(block, _interval);

    /// <summary>How long a block is not saved again after a save that kept its slot busy for that long.</summary>
    public TimeSpan IntervalAfter(TimeSpan took) => Longer(_interval, SaveShare * took);

    public void WriteParked()
    {
        foreach (Job job in live.InOrder)
            job.WriteParked();
    }

    /// <summary>The block's newest checkpoint, from memory or disk; null to start at step 0. On the slot's thread.</summary>
    public byte[]? Load(IBlock block)
    {
        (byte[]? inMemory, bool onDisk) = block.Job.CheckpointOf(block);
        if (inMemory is not null || !onDisk)
            return inMemory;
        StoredCheckpoint? stored = files.Read(block.Job.Id, block.Plan.Index);
        if (stored is null)
            log.CheckpointsLost(block.Plan.Index, block.Job.Id);
        block.Job.Loaded(block, stored?.Step);
        return stored?.Content;
    }

    /// <summary>Writes the block's newest checkpoint that is in memory: from one of the job's entries.</summary>
    /// <exception cref="StaleEpochException">The block belongs to a newer process.</exception>
    public async Task WriteAsync(IBlock block)
    {
        Job job = block.Job;
        if (job.ToWrite(block) is not { } checkpoint)
            return;
        using Activity? span = job.Trace?.Storage(StorageKind.Checkpoint)?.SetTag(Tags.Block, block.Plan.Index).SetTag("ebm.block.step", checkpoint.Step);
        long started = clock.GetTimestamp();
        if (!await store.BeginCheckpointAsync(job.Id, block.Plan.Index, job.Epoch, checkpoint.Step))
            throw new StaleEpochException();
        files.Write(job.Id, block.Plan.Index, job.Epoch, checkpoint.Step, checkpoint.Checkpoint);
        metrics.Written(StorageKind.Checkpoint, started, checkpoint.Checkpoint.Length);
        job.Written(block, checkpoint.Checkpoint, WriteShare * clock.GetElapsedTime(started));
    }

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
