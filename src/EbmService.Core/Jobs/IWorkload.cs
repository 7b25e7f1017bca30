using EbmService.Core.Failures;
using EbmService.Core.Tensors;

namespace EbmService.Core.Jobs;

/// <summary>
/// The live computation of one block. Every member, also Dispose, is called on one slot thread; it moves between
/// slots through Save and reopening only.
/// </summary>
public interface IWorkload : IDisposable
{
    /// <summary>
    /// Advances until the budget is spent, its step limit is reached or the block is done; below the
    /// limit by at least one gradient of a bounded number of rows. A step longer than the budget is
    /// left open, to be gone on with by the next call, or from a checkpoint.
    /// </summary>
    /// <exception cref="FailureException">The block failed and its job with it; the device is fine.</exception>
    /// <exception cref="DeviceLostException">The device stopped answering.</exception>
    StepReport Advance(QuantumBudget budget);

    /// <summary>Everything needed to go on elsewhere and end with the same bits; of a done block: to go on to more steps.</summary>
    byte[] Save();

    /// <summary>The block's result so far, opaque to all but the <see cref="IResultAssembler"/>; callable at any step.</summary>
    byte[] Finish();
}

/// <summary>Opens workloads. Thread-safe; called on the slot's thread.</summary>
public interface IWorkloadFactory
{
    /// <param name="job">The job.</param>
    /// <param name="block">The block of it.</param>
    /// <param name="checkpoint">Bytes of an earlier <see cref="IWorkload.Save"/>, or null to start at step 0.</param>
    /// <exception cref="FailureException">The model is unavailable, an input file is gone, or the checkpoint is not of
    /// this block.</exception>
    IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null);
}

/// <summary>The device no longer answers: its blocks go back to the queue and the worker restarts.</summary>
public sealed class DeviceLostException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The time one quantum may take and the step it may not pass. Owned by a slot and reused. A workload asks <see cref="IsSpent"/> after each
/// step and, where steps are long, within them; where it was spent never changes what a chain computes.
/// </summary>
public sealed class QuantumBudget(TimeProvider clock)
{
    private long _deadline;
    private volatile bool _yield;

    /// <value>The workload returns when it has done this many steps in all, as if the time were over.</value>
    public int StepLimit { get; private set; } = int.MaxValue;

    /// <value>The report of this quantum should carry the block's statistics so far.</value>
    public bool WantsStatistics { get; private set; }

    /// <summary>Begins a quantum of that length.</summary>
    public void Start(TimeSpan length, int stepLimit = int.MaxValue, bool wantsStatistics = false)
    {
        _yield = false;
        StepLimit = stepLimit;
        WantsStatistics = wantsStatistics;
        _deadline = clock.GetTimestamp() + (long)(length.TotalSeconds * clock.TimestampFrequency);
    }

    /// <summary>Ends the quantum as soon as the workload asks; from any thread: a short query or a cancel is waiting.</summary>
    public void RequestYield() => _yield = true;

    /// <value>Whether the workload should return.</value>
    public bool IsSpent => _yield || clock.GetTimestamp() >= _deadline;
}

/// <summary>What a block says after a quantum.</summary>
/// <param name="Step">Steps done so far.</param>
/// <param name="Done">Whether the block has nothing left to do.</param>
public sealed record StepReport(int Step, bool Done)
{
    /// <value>The block's numbers by name, as the job's type merges them over blocks; a number that is not known yet is absent.</value>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = NoMetrics;

    /// <value>
    /// What metrics over all blocks and stop rules are computed from, opaque to all but the job's type: where the budget asked
    /// for it and always when done.
    /// </value>
    public byte[]? Statistics { get; init; }

    /// <value>Drawn when a preview was due in this quantum, by the first block only.</value>
    public PreviewFrame? Preview { get; init; }

    private static IReadOnlyDictionary<string, double> NoMetrics { get; } = new Dictionary<string, double>();
}

/// <summary>A picture of a block's items.</summary>
public sealed record PreviewFrame(int Step, byte[] Png)
{
    /// <value>What it shows as numbers, where the type has them.</value>
    public TensorPayload? Rows { get; init; }
}
