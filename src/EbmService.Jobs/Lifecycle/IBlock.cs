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

    /// <value>Its latest report without statistics and preview.</value>
    StepReport? Report { get; }

    /// <value>Its latest statistics, however old.</value>
    byte[]? Statistics { get; }

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

/// <summary>What a slot is to do with a block that is open on it.</summary>
internal enum BlockOrder
{
    /// <summary>It may have quanta when the scheduler says so.</summary>
    None,
    Park,

    /// <summary>End it early and keep its result so far.</summary>
    Close,

    /// <summary>Nothing of it is wanted.</summary>
    Drop,
}

/// <summary>What a job offers to a slot that looks for work.</summary>
/// <param name="IsRunnable">It may have quanta.</param>
/// <param name="HasWaiting">A block of it waits for a slot.</param>
/// <param name="HasOpen">Some block of it is on a slot.</param>
/// <param name="ParkedBytes">Memory of its parked checkpoints that are not on disk.</param>
internal readonly record struct JobOffer(bool IsRunnable, bool HasWaiting, bool HasOpen, long ParkedBytes);

/// <summary>What a quantum may do.</summary>
/// <param name="StepLimit">The step that it may not pass.</param>
/// <param name="StopStep">A block that has come to this step is done.</param>
/// <param name="MayReachBarrier">Its statistics may be wanted for the stop rules.</param>
internal readonly record struct QuantumLimits(int StepLimit, int StopStep, bool MayReachBarrier);
