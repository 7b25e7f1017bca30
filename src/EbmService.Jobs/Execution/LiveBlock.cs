using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

internal enum BlockState
{
    /// <summary>Nothing of it is kept: it begins at step 0.</summary>
    Waiting,

    /// <summary>It goes on from a checkpoint in memory or on disk.</summary>
    Parked,

    /// <summary>Open on a slot, which alone may touch its workload.</summary>
    Open,

    Done,

    /// <summary>Its job ended without it.</summary>
    Dropped,
}

/// <summary>A block of a live job. Guarded by the gate.</summary>
internal sealed class LiveBlock(LiveJob job, BlockPlan plan)
{
    public LiveJob Job => job;

    public BlockPlan Plan => plan;

    public BlockState State { get; set; }

    /// <value>Where it began in this job: not 0 in one that extends another.</value>
    public int StartStep { get; init; }

    public int Step { get; set; }

    public StepReport? Report { get; set; }

    /// <value>Steps of its latest quantum.</value>
    public int QuantumSteps { get; set; }

    /// <value>Its latest draws, however old.</value>
    public ChainSeries? Series { get; set; }

    /// <value>The latest <see cref="DiagnosticsRound"/> that it answered.</value>
    public int Round { get; set; }

    /// <value>It waits for the others before stop rules are judged.</value>
    public bool AtBarrier { get; set; }

    /// <value>Quanta since it was opened.</value>
    public int Quanta { get; set; }

    /// <value>The newest checkpoint while it is not on disk.</value>
    public byte[]? Checkpoint { get; set; }

    /// <value>Whether a checkpoint is on disk.</value>
    public bool IsStored { get; set; }

    /// <value>Steps at the newest checkpoint, in memory or on disk; 0 without one.</value>
    public int CheckpointStep { get; set; }

    public bool HasCheckpoint => Checkpoint is not null || IsStored;

    /// <value>A write is queued or under way, so no further one is.</value>
    public bool IsWriting { get; set; }

    /// <value>When it was last saved or opened.</value>
    public long? SavedAt { get; set; }

    /// <value>How long to wait from one save to the next: longer where saving is slow.</value>
    public TimeSpan SaveInterval { get; set; }

    /// <value>SHA-256 of the stored result. Written and read by the job's recorded steps only.</value>
    public string? ResultSha256 { get; set; }

    /// <value>How often the stored result was found damaged.</value>
    public int Damages { get; set; }
}
