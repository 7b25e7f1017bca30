using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>Enters what came of a slot's task into its job. Thread-safe.</summary>
internal sealed class BlockOutcomes(
    LiveJobs live, JobBoard board, JobRecorder recorder, JobPauses pauses, CheckpointWriter checkpoints, StopRuleJudge judge,
    LiveDiagnostics diagnostics, JobEventHub hub, TimeProvider clock, JobsMetrics metrics, ILogger<BlockOutcomes> log)
{
    public const int MaxDeviceLosses = 3;
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    /// <param name="slotTime">How long the slot was busy with it, opening, saving and finishing the block included.</param>
    public void Advanced(SlotState slot, LiveBlock block, QuantumOutcome outcome, TimeSpan slotTime)
    {
        LiveJob job = block.Job;
        StepReport report = outcome.Report;
        lock (live.Gate)
        {
            long amount = (long)(report.Step - block.Step) * block.Plan.Chains;
            job.Advance(block, report, slotTime);
            diagnostics.Answered(block);
            live.CountChainSteps(amount);
            metrics.Advanced(amount);
            Announce(job, report, isLast: outcome.Result is not null && job.DoneBlocks == job.Blocks.Count - 1);
            if (outcome.Result is not null)
                Finish(slot, block, outcome.Result, outcome.Saved?.Content);
            else if (outcome.Saved is { } saved)
                Keep(block, saved, isDue: true);
            if (outcome.Result is null && report.Step >= job.Barrier?.Next && outcome.WantedSeries)
                judge.Arrive(block);
        }
    }

    /// <summary>A block ended early; its partial result is kept where there is one.</summary>
    /// <param name="chains">Its chains, where the job may be extended.</param>
    public void Closed(SlotState slot, LiveBlock block, byte[]? result, byte[]? chains)
    {
        lock (live.Gate)
            Finish(slot, block, result, chains);
    }

    public void Parked(SlotState slot, LiveBlock block, SavedChains saved)
    {
        lock (live.Gate)
        {
            bool isDue = checkpoints.IsDue(block) || block.AtBarrier || block.Job.PauseRequested || live.Stopping;
            Leave(slot, block, block.Job.IsOver ? BlockState.Dropped : BlockState.Parked);
            if (block.State == BlockState.Dropped)
                return;
            Keep(block, saved, isDue);
            if (block.AtBarrier)
                block.Job.Barrier!.Parked.Add(block);
            else
                block.Job.Waiting.AddFirst(block);
            pauses.TryComplete(block.Job);
            Monitor.PulseAll(live.Gate);
        }
    }

    /// <summary>The slot's open blocks that the next process is to go on with.</summary>
    public LiveBlock[] ToSave(SlotState slot)
    {
        lock (live.Gate)
            return [.. slot.Open.Where(block => !block.Job.IsOver)];
    }

    /// <summary>The block's work threw: its job fails, unless it is being cancelled, which then goes on without the block.</summary>
    public void Failed(SlotState slot, LiveBlock block, Exception exception)
    {
        LiveJob job = block.Job;
        lock (live.Gate)
        {
            Leave(slot, block, BlockState.Dropped);
            if (job.StopsNow)
            {
                log.CancelledBlockFailed(exception, job.Id, block.Plan.Index);
                recorder.TryEnd(job);
                return;
            }
            recorder.Fail(job, JobRecorder.FailureOf(exception), exception);
            board.WakeFor(job);
        }
    }

    /// <summary>The slot's open blocks go back to the queue; a job that keeps losing devices fails.</summary>
    public void DeviceLost(SlotState slot)
    {
        lock (live.Gate)
        {
            foreach (LiveBlock block in slot.Open.ToArray())
            {
                LiveJob job = block.Job;
                bool goesOn = !job.IsOver && (!job.StopsNow || block.HasCheckpoint);
                Leave(slot, block, !goesOn ? BlockState.Dropped : block.HasCheckpoint ? BlockState.Parked : BlockState.Waiting);
                if (goesOn)
                    Requeue(job, block);
                recorder.TryEnd(job);
                pauses.TryComplete(job);
            }
            Monitor.PulseAll(live.Gate);
        }
    }

    private void Requeue(LiveJob job, LiveBlock block)
    {
        job.MoveTo(block, block.CheckpointStep);
        block.AtBarrier = false;
        job.Waiting.AddFirst(block);
        job.Attempt++;
        if (++job.DeviceLosses > MaxDeviceLosses)
        {
            recorder.Fail(job, new Failure(FailureCode.DeviceLost, "The device was lost several times while the job ran.",
                "Try a smaller blockSize, or ask the operator."), null);
            board.WakeFor(job);
            return;
        }
        recorder.RecordStatus(job, job.CancelRequested ? JobStatus.Cancelling : JobStatus.Running);
    }

    private void Keep(LiveBlock block, SavedChains saved, bool isDue)
    {
        checkpoints.Keep(block, saved);
        if (isDue)
            checkpoints.Enqueue(block);
    }

    private void Finish(SlotState slot, LiveBlock block, byte[]? result, byte[]? chains)
    {
        LiveJob job = block.Job;
        bool keep = result is not null && !job.IsOver;
        Leave(slot, block, keep ? BlockState.Done : BlockState.Dropped);
        block.Checkpoint = null;
        if (keep)
        {
            job.DoneBlocks++;
            recorder.RecordBlock(block, result!, chains);
        }
        recorder.TryEnd(job);
        // The block finished instead of parking: it may have been the last that a pause waited for.
        pauses.TryComplete(job);
    }

    private static void Leave(SlotState slot, LiveBlock block, BlockState state)
    {
        slot.Open.Remove(block);
        block.Job.OpenBlocks--;
        block.State = state;
    }

    private void Announce(LiveJob job, StepReport report, bool isLast)
    {
        // Before the change to running is recorded and after the end is decided, progress would contradict the status.
        if (job.Ending || job.Recorded.Status == JobStatus.Queued)
            return;
        job.Preview = report.Preview ?? job.Preview;
        if (job.Preview is { } preview && (isLast || IsDue(job.LastPreviewAt)))
        {
            job.LastPreviewAt = clock.GetTimestamp();
            job.Preview = null;
            hub.Publish(job.Id, preview);
        }
        if (!IsDue(job.LastProgressAt))
            return;
        job.LastProgressAt = clock.GetTimestamp();
        hub.Publish(job.Id, live.Snapshot(job).Progress);
    }

    private bool IsDue(long? last) => last is null || clock.GetElapsedTime(last.Value) >= ProgressInterval;
}
