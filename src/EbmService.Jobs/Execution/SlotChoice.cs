using System.Runtime.InteropServices;
using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Execution;

/// <summary>Which block a slot works on next: carries live jobs to the scheduler and its decision back. Guarded by the gate.</summary>
internal sealed class SlotChoice(
    LiveJobs live, JobRecorder recorder, JobEventHub hub, TimeProvider clock, JobsMetrics metrics, IOptions<WorkerOptions> options)
{
    private static readonly Comparer<JobRank> ByRank = Comparer<JobRank>.Create((a, b) => JobRank.Compare(a, b));

    private readonly WorkerOptions _options = options.Value;
    private long? _queueShownAt;
    private bool _queueMoved;

    /// <summary>Cancels and failures that arrived meanwhile, then a block for a slot that idles, then places that nobody uses, then the scheduler's choice.</summary>
    public SlotTask? Find(SlotState slot)
    {
        if (_queueMoved)
            ShowQueue();
        return FindClosing(slot) ?? FindShared(slot) ?? FindIdling(slot) ?? Choose(slot);
    }

    /// <summary>Tells those who watch a queued job its new place; too soon after the last time, a later quantum does it.</summary>
    public void ShowQueue()
    {
        live.QueueChanged();
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

    private SlotTask? FindClosing(SlotState slot)
    {
        foreach (LiveBlock open in slot.Open)
        {
            if (ClosingOf(open) is { } task)
                return task;
        }
        foreach (LiveJob job in live.InOrder)
        {
            if (job.Stop is not null && !job.IsOver && job.Waiting.FirstOrDefault(IsAtItsEnd) is { } parked)
                return new CloseTask(OpenOn(slot, parked), Keep: true);
        }
        return null;
    }

    private static SlotTask? ClosingOf(LiveBlock block)
    {
        if (block.Job.IsOver)
            return new CloseTask(block, Keep: false);
        if (IsAtItsEnd(block))
            return new CloseTask(block, Keep: true);
        return block.Job.PauseRequested ? new ParkTask(block) : null;
    }

    private static bool IsAtItsEnd(LiveBlock block) => block.Job.StopsNow || block.Step >= block.Job.StopStep;

    private ParkTask? FindShared(SlotState slot)
    {
        bool asked = slot.IsAskedToShare;
        slot.IsAskedToShare = false;
        if (!asked || slot.Sharable < 2)
            return null;
        RankingView ranking = live.Ranking();
        return new ParkTask(slot.Open.Where(block => !block.AtBarrier).MaxBy(block => block.Job.Rank(ranking), ByRank)!);
    }

    /// <summary>A block that waits at a barrier gives up its place when a block waits for one.</summary>
    private ParkTask? FindIdling(SlotState slot)
    {
        LiveBlock? idling = slot.Open.Find(block => block.AtBarrier);
        return idling is not null && live.InOrder.Any(job => job.IsRunnable && job.Waiting.Count > 0) ? new ParkTask(idling) : null;
    }

    private SlotTask? Choose(SlotState slot)
    {
        bool mayRotate = FillCandidates(slot) < (long)_options.ParkedMegabytes << 20;
        var view = new SlotView(_options.OpenBlocksPerSlot, _options.TurnQuanta, mayRotate, slot.LastModel);
        SchedulingDecision decision = JobScheduler.Choose(CollectionsMarshal.AsSpan(slot.Candidates), view);
        if (decision.Action == SchedulingAction.Idle)
            return null;
        LiveJob chosen = live.InOrder[decision.Job];
        LiveBlock? mine = OpenBlockOf(slot, chosen);
        if (decision.Action == SchedulingAction.Park)
            return new ParkTask(mine!);
        return new AdvanceTask(Serve(slot, mine ?? OpenOn(slot, chosen.Waiting.First!.Value)));
    }

    /// <returns>Bytes of all parked checkpoints.</returns>
    private long FillCandidates(SlotState slot)
    {
        slot.Candidates.Clear();
        RankingView ranking = live.Ranking();
        long parkedBytes = 0;
        for (int i = 0; i < live.InOrder.Count; i++)
        {
            LiveJob job = live.InOrder[i];
            if (!job.IsRunnable)
                continue;
            LiveBlock? open = job.OpenBlocks > 0 ? OpenBlockOf(slot, job) : null;
            LinkedListNode<LiveBlock>? waiting = job.Waiting.First;
            if (open is not null || waiting is not null)
                slot.Candidates.Add(new JobCandidate(i, job.Rank(ranking), job.Model, waiting is not null, open is not null, open?.Quanta ?? 0));
            for (; waiting is { Value.State: BlockState.Parked }; waiting = waiting.Next)
                parkedBytes += waiting.Value.Checkpoint?.Length ?? 0;
        }
        return parkedBytes;
    }

    private static LiveBlock? OpenBlockOf(SlotState slot, LiveJob job)
    {
        foreach (LiveBlock block in slot.Open)
        {
            if (block.Job == job && !block.AtBarrier)
                return block;
        }
        return null;
    }

    private LiveBlock Serve(SlotState slot, LiveBlock block)
    {
        LiveJob job = block.Job;
        live.Serve(job);
        slot.LastModel = job.Model;
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
