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
        (block.State, block.ResultSha256, block.Report) = (BlockState.Done, sha256, report);
        job.Waiting.Remove(block);
        job.DoneBlocks++;
    }

    /// <summary>Begun blocks are to be closed where they are, the others are dropped.</summary>
    public static void StopHere(this LiveJob job, StopReason reason)
    {
        job.Stop = reason;
        job.PauseRequested = false;
        job.Pausing.TrySetResult();
        foreach (LiveBlock block in job.Waiting.Where(block => !block.HasCheckpoint).ToArray())
        {
            block.State = BlockState.Dropped;
            job.Waiting.Remove(block);
        }
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
        job.Waiting.Clear();
        job.Pausing.TrySetResult();
    }
}
