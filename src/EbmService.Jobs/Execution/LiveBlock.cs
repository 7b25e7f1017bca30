using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

internal enum BlockState
{
    /// <summary>Not begun, or begun on a device that was lost.</summary>
    Waiting,

    /// <summary>Begun, and saved to memory for another to have its place.</summary>
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

    public int Step { get; set; }

    public StepReport? Report { get; set; }

    /// <value>Quanta since it was opened.</value>
    public int Quanta { get; set; }

    /// <value>Where it goes on when it is opened again; null for step 0.</value>
    public byte[]? Checkpoint { get; set; }

    public int CheckpointStep { get; set; }

    /// <value>SHA-256 of the stored result. Written and read by the job's recorded steps only.</value>
    public string? ResultSha256 { get; set; }
}
