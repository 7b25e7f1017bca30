using EbmService.Core.Failures;

namespace EbmService.Core.Jobs;

/// <summary>
/// The live computation of one block. Every member, also Dispose, is called on one slot thread; it moves between
/// slots through Save and reopening only.
/// </summary>
public interface IWorkload : IDisposable
{
    /// <summary>
    /// Advances until the budget is spent, its step limit is reached or the block is done; below the limit by at least one gradient of a bounded number of
    /// rows. A step longer than the budget is left open, to be gone on with by the next call, or from a checkpoint.
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
    /// <exception cref="FailureException">The model is unavailable, an input file is gone, or the checkpoint is not of this block.</exception>
    IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null);
}

/// <summary>The device no longer answers: its blocks go back to the queue and the worker restarts.</summary>
public sealed class DeviceLostException(string message, Exception? inner = null) : Exception(message, inner);
