using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Execution;

/// <summary>Which block a slot works on next: carries live jobs to the scheduler and its decision back. Guarded by the gate.</summary>
internal sealed class SlotChoice(
    LiveJobs live, JobRecorder recorder, JobEventHub hub, TimeProvider clock, JobsMetrics metrics, IOptions<WorkerOptions> options)
{
    private const int RotationMilliseconds = 1000;

    private readonly WorkerOptions _options = options.Value;
    private long? _queueShownAt;
    private bool _queueMoved;

    private int RotationQuanta => Math.Max(1, RotationMilliseconds / _options.QuantumMilliseconds);

    /// <summary>Cancels and failures that arrived meanwhile, then a block for a slot that idles, then the scheduler's choice.</summary>
    public SlotTask? Find(SlotState slot)
    {
        if (_queueMoved)
            ShowQueue();
        return FindClosing(slot) ?? FindShared(slot) ?? Choose(slot);
    }

    /// <summary>Tells those who watch a queued job its new place; too soon after the last time, a later quantum does it.</summary>
    public void ShowQueue()
    {
        _queueMoved = _queueShownAt is { } last && clock.GetElapsedTime(last) < BlockOutcomes.ProgressInterval;
        if (_queueMoved)
            return;
        _queueShownAt = clock.GetTimestamp();
        foreach (LiveJob job in live.InOrder)
        {
            if (job.IsQueued && hub.IsWatched(job.Id))
                hub.Publish(job.Id, live.Snapshot(job).Progress);
        }
    }

    private CloseTask? FindClosing(SlotState slot)
    {
        if (slot.Open.Find(block => !block.Job.IsRunnable) is { } open)
            return new CloseTask(open, Keep: open.Job.Failure is null);
        foreach (LiveJob job in live.InOrder)
        {
            if (job.CancelRequested && job.Failure is null && job.Waiting.First is { } parked)
                return new CloseTask(OpenOn(slot, parked.Value), Keep: true);
        }
        return null;
    }

    private ParkTask? FindShared(SlotState slot)
    {
        bool asked = slot.IsAskedToShare;
        slot.IsAskedToShare = false;
        return asked && slot.Open.Count > 1 ? new ParkTask(slot.Open.MaxBy(block => (-block.Job.Recorded.Priority, block.Job.VirtualTime))!) : null;
    }

    private SlotTask? Choose(SlotState slot)
    {
        bool mayRotate = FillCandidates(slot) < (long)_options.ParkedMegabytes << 20;
        var view = new SlotView(_options.OpenBlocksPerSlot, RotationQuanta, mayRotate, slot.LastModel);
        SchedulingDecision decision = JobScheduler.Choose(slot.Candidates, view);
        if (decision.Action == SchedulingAction.Idle)
            return null;
        LiveJob chosen = live.InOrder[decision.Job];
        LiveBlock? mine = slot.Open.Find(block => block.Job == chosen);
        if (decision.Action == SchedulingAction.Park)
            return new ParkTask(mine!);
        return new AdvanceTask(Serve(slot, mine ?? OpenOn(slot, chosen.Waiting.First!.Value)));
    }

    /// <returns>Bytes of all parked checkpoints.</returns>
    private long FillCandidates(SlotState slot)
    {
        slot.Candidates.Clear();
        long parkedBytes = 0;
        for (int i = 0; i < live.InOrder.Count; i++)
        {
            LiveJob job = live.InOrder[i];
            if (!job.IsRunnable)
                continue;
            LiveBlock? open = slot.Open.Find(block => block.Job == job);
            slot.Candidates.Add(new JobCandidate(i, job.Recorded.Priority, job.VirtualTime, job.Order, job.Recorded.Model.Key(),
                job.Waiting.Count > 0, open is not null, open?.Quanta ?? 0));
            parkedBytes += job.Waiting.TakeWhile(block => block.State == BlockState.Parked).Sum(block => (long)block.Checkpoint!.Length);
        }
        return parkedBytes;
    }

    private LiveBlock Serve(SlotState slot, LiveBlock block)
    {
        LiveJob job = block.Job;
        live.FairClock.Serve(job.Recorded.Priority, job.VirtualTime);
        slot.LastModel = job.Recorded.Model.Key();
        block.Quanta++;
        if (!job.Begun)
        {
            job.Begun = true;
            metrics.JobBegan(clock.GetElapsedTime(job.AdmittedAt).TotalSeconds);
            recorder.RecordStatus(job, JobStatus.Running);
            ShowQueue();
        }
        return block;
    }

    private static LiveBlock OpenOn(SlotState slot, LiveBlock block)
    {
        block.Job.Waiting.Remove(block);
        block.Job.OpenBlocks++;
        block.State = BlockState.Open;
        block.Quanta = 0;
        slot.Open.Add(block);
        return block;
    }
}
