using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>Enters what came of a slot's task into its job. Thread-safe.</summary>
internal sealed class BlockOutcomes(
    LiveJobs live, JobBoard board, JobRecorder recorder, JobEventHub hub, TimeProvider clock, JobsMetrics metrics, ILogger<BlockOutcomes> log)
{
    public const int MaxDeviceLosses = 3;
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    /// <param name="result">The block's bytes when the report says that it is done.</param>
    public void Advanced(SlotState slot, LiveBlock block, StepReport report, byte[]? result)
    {
        LiveJob job = block.Job;
        lock (live.Gate)
        {
            long amount = (long)(report.Step - block.Step) * block.Plan.Chains;
            job.Advance(block, report);
            live.CountChainSteps(amount);
            metrics.Advanced(amount);
            Announce(job, report, isLast: result is not null && job.DoneBlocks == job.Blocks.Count - 1);
            if (result is not null)
                Finish(slot, block, result);
        }
    }

    /// <summary>A block ended early; its partial result is kept where there is one.</summary>
    public void Closed(SlotState slot, LiveBlock block, byte[]? result)
    {
        lock (live.Gate)
            Finish(slot, block, result);
    }

    public void Parked(SlotState slot, LiveBlock block, byte[] checkpoint)
    {
        lock (live.Gate)
        {
            Leave(slot, block, BlockState.Parked);
            block.Checkpoint = checkpoint;
            block.CheckpointStep = block.Step;
            block.Job.Waiting.AddFirst(block);
            Monitor.PulseAll(live.Gate);
        }
    }

    /// <summary>The block's work threw: its job fails, unless it is being cancelled, which then goes on without the block.</summary>
    public void Failed(SlotState slot, LiveBlock block, Exception exception)
    {
        LiveJob job = block.Job;
        lock (live.Gate)
        {
            Leave(slot, block, BlockState.Dropped);
            if (job.CancelRequested)
            {
                log.CancelledBlockFailed(exception, job.Id, block.Plan.Index);
                recorder.TryEnd(job);
                return;
            }
            Fail(job, JobRecorder.FailureOf(exception), exception);
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
                bool goesOn = job.IsRunnable;
                bool hasCheckpoint = block.Checkpoint is not null;
                Leave(slot, block, !goesOn ? BlockState.Dropped : hasCheckpoint ? BlockState.Parked : BlockState.Waiting);
                if (goesOn)
                    Requeue(job, block);
                else
                    recorder.TryEnd(job);
            }
            Monitor.PulseAll(live.Gate);
        }
    }

    private void Requeue(LiveJob job, LiveBlock block)
    {
        job.Rewind(block);
        job.Waiting.AddFirst(block);
        job.Attempt++;
        if (++job.DeviceLosses > MaxDeviceLosses)
        {
            Fail(job, new Failure(FailureCode.DeviceLost, "The device was lost several times while the job ran.",
                "Try a smaller blockSize, or ask the operator."), null);
            return;
        }
        recorder.RecordStatus(job, JobStatus.Running);
    }

    private void Fail(LiveJob job, Failure failure, Exception? exception)
    {
        if (job.Ending)
            return;
        job.Failure ??= failure;
        job.Waiting.Clear();
        recorder.TryEnd(job);
        board.WakeFor(job);
        log.JobFailed(exception, job.Id, failure.Code, failure.Message);
    }

    private void Finish(SlotState slot, LiveBlock block, byte[]? result)
    {
        LiveJob job = block.Job;
        bool keep = result is not null && !job.Ending && job.Failure is null;
        Leave(slot, block, keep ? BlockState.Done : BlockState.Dropped);
        block.Checkpoint = null;
        if (keep)
        {
            job.DoneBlocks++;
            recorder.RecordBlock(block, result!);
        }
        recorder.TryEnd(job);
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
