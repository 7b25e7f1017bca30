using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Lifecycle;

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

/// <summary>A block of a job as all but its <see cref="Job"/> see it: only the job changes it.</summary>
internal interface IBlock
{
    Job Job { get; }

    BlockPlan Plan { get; }

    BlockState State { get; }

    /// <value>Where it began in this job: not 0 in one that extends another.</value>
    int StartStep { get; }

    int Step { get; }

    /// <value>Its latest report without draws and preview.</value>
    StepReport? Report { get; }

    /// <value>Its latest draws, however old.</value>
    ChainSeries? Series { get; }

    /// <value>Steps of its latest quantum.</value>
    int QuantumSteps { get; }

    /// <value>It waits for the others before stop rules are judged.</value>
    bool AtBarrier { get; }

    /// <value>Quanta since it was opened.</value>
    int Quanta { get; }

    /// <value>A write of its checkpoint is queued or under way, so no further one is.</value>
    bool IsWriting { get; }

    /// <value>SHA-256 of the stored result; null while there is none.</value>
    string? ResultSha256 { get; }

    /// <value>How often the stored result was found damaged.</value>
    int Damages { get; }
}
