using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

/// <summary>What moves a live job's blocks but their own work. The caller holds the gate, or the job is not live yet.</summary>
internal static class LiveJobMoves
{
    /// <summary>A block's chains are on disk at that step.</summary>
    public static void Restore(this LiveJob job, LiveBlock block, int step)
    {
        job.MoveTo(block, step);
        (block.State, block.IsStored, block.CheckpointStep) = (BlockState.Parked, true, step);
        job.Waiting.Remove(block);
        LinkedListNode<LiveBlock>? fresh = job.Waiting.First;
        while (fresh?.Value.State == BlockState.Parked)
            fresh = fresh.Next;
        if (fresh is null)
            job.Waiting.AddLast(block);
        else
            job.Waiting.AddBefore(fresh, block);
    }

    /// <summary>A block's result is on disk.</summary>
    public static void RestoreDone(this LiveJob job, LiveBlock block, int step, string sha256, StepReport? report)
    {
        job.MoveTo(block, step);
        (block.State, block.ResultSha256, block.Report, block.Series) = (BlockState.Done, sha256, report, report?.Series);
        job.Waiting.Remove(block);
        job.DoneBlocks++;
    }

    /// <summary>Begun blocks are to be closed where they are, the others are dropped.</summary>
    public static void StopHere(this LiveJob job, StopReason reason)
    {
        job.Stop = reason;
        job.StopStep = null;
        job.EndBarrier();
        job.WithdrawPause();
        foreach (LiveBlock block in job.Waiting.Where(block => !block.HasCheckpoint).ToArray())
        {
            block.State = BlockState.Dropped;
            job.Waiting.Remove(block);
        }
    }

    /// <summary>Every block is to end at that step.</summary>
    public static void StopAt(this LiveJob job, StopReason reason, int step)
    {
        job.Stop = reason;
        job.StopStep = step;
        job.EndBarrier();
        job.WithdrawPause();
    }

    /// <summary>Blocks that waited for each other wait for slots again.</summary>
    public static void LeaveBarrier(this LiveJob job)
    {
        if (job.Barrier is null)
            return;
        foreach (LiveBlock block in job.Blocks)
            block.AtBarrier = false;
        foreach (LiveBlock block in job.Barrier.Parked)
            job.Waiting.AddFirst(block);
        job.Barrier.Parked.Clear();
    }

    // Blocks behind the step of the verdict, after a kill or a lost device, would wait at an earlier barrier for ever.
    private static void EndBarrier(this LiveJob job)
    {
        job.LeaveBarrier();
        job.Barrier?.End();
    }

    /// <summary>Nothing of the job waits for anything any more.</summary>
    public static void DropWaiting(this LiveJob job)
    {
        job.LeaveBarrier();
        job.Waiting.Clear();
    }

    private static void WithdrawPause(this LiveJob job)
    {
        job.PauseRequested = job.Paused = false;
        job.Pausing.TrySetResult();
    }

    /// <summary>The stored result of a done block is of no use: the end is off until it is computed again.</summary>
    public static void Reopen(this LiveJob job, LiveBlock block)
    {
        job.Ending = false;
        job.DoneBlocks--;
        (block.State, block.ResultSha256) = (BlockState.Waiting, null);
        block.Damages++;
        if (block.IsStored)
        {
            job.Restore(block, block.CheckpointStep);
            return;
        }
        job.MoveTo(block, 0);
        if (job.StopsNow)
            block.State = BlockState.Dropped;
        else
            job.Waiting.AddLast(block);
    }

    /// <summary>The job is another process's: nothing more of it is computed or written here.</summary>
    public static void Abandon(this LiveJob job)
    {
        job.Ending = true;
        job.DropWaiting();
        job.Pausing.TrySetResult();
    }
}
