using EbmService.Core.Jobs;

namespace EbmService.Jobs.Lifecycle;

/// <summary>How a job of a process that has ended is built from its rows: the same object, through the same methods.</summary>
internal sealed partial class Job
{
    /// <summary>Recovery's way to the same object: the blocks are restored; what was decided before is decided again.</summary>
    /// <param name="status">The stored one.</param>
    /// <param name="stop">The stored verdict, if any.</param>
    /// <param name="stopStep">Where it ends all blocks.</param>
    public void Recover(JobStatus status, string? stop, int? stopStep)
    {
        lock (_lock)
            MoveBarrierBeyond(_blocks.Max(block => block.Step));
        if (status == JobStatus.Paused)
            Pause();
        else if (status == JobStatus.Cancelling)
            Cancel();
        if (stop is { } reason && status != JobStatus.Cancelling && DecideStop(reason, stopStep) == JobChange.Made)
            EnterStop(reason, stopStep);
    }

    /// <summary>Recovery: the job's last attempt may have ended the process.</summary>
    public void Suspect()
    {
        lock (_lock)
            _isSuspect = true;
    }

    /// <summary>Recovery: the block's state is on disk at that step.</summary>
    public void RestoreParked(int index, int step)
    {
        lock (_lock)
        {
            Block block = BlockOf(index);
            (block.IsStored, block.CheckpointStep) = (true, step);
            Requeue(block);
        }
    }

    /// <summary>Recovery: the block's result is on disk.</summary>
    public void RestoreDone(int index, int step, string sha256, StepReport? report)
    {
        lock (_lock)
        {
            Block block = BlockOf(index);
            MoveTo(block, step);
            (block.State, block.ResultSha256, block.Report, block.Statistics) = (BlockState.Done, sha256, report, report?.Statistics);
            _waiting.Remove(block);
            _done++;
        }
    }
}
