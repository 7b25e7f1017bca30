using System.Runtime.InteropServices;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Slots;

/// <summary>Which block a slot works on next: carries live jobs to the scheduler and its decision back. Guarded by the board.</summary>
internal sealed class SlotChoice(
    LiveJobs live, JobEventHub hub, TimeProvider clock, JobsMetrics metrics, IOptions<WorkerOptions> options, IOptions<QuotaOptions> quotas)
{
    private static readonly Comparer<JobRank> ByRank = Comparer<JobRank>.Create((a, b) => JobRank.Compare(a, b));

    private readonly WorkerOptions _options = options.Value;
    private long? _queueShownAt;
    private bool _queueMoved;

    /// <summary>
    /// Cancels and failures that arrived meanwhile, then a block for a slot that idles, then places that nobody uses,
    /// then the scheduler's choice.
    /// </summary>
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
        _queueMoved = _queueShownAt is { } last && clock.GetElapsedTime(last) < SlotBoard.ProgressInterval;
        if (_queueMoved)
            return;
        _queueShownAt = clock.GetTimestamp();
        foreach (Job job in live.InOrder)
        {
            if (job.IsQueued && hub.IsWatched(job.Id))
                hub.Publish(job.Id, live.Snapshot(job).Progress);
        }
    }

    private SlotTask? FindClosing(SlotState slot)
    {
        foreach (IBlock open in slot.Open)
        {
            switch (open.Job.OrderFor(open))
            {
                case BlockOrder.Drop:
                    return new CloseTask(open, Keep: false);
                case BlockOrder.Close:
                    return new CloseTask(open, Keep: true);
                case BlockOrder.Park:
                    return new ParkTask(open);
            }
        }
        foreach (Job job in live.InOrder)
        {
            if (job.TryOpenToClose() is { } parked)
                return new CloseTask(OpenOn(slot, parked), Keep: true);
        }
        return null;
    }

    private ParkTask? FindShared(SlotState slot)
    {
        bool asked = slot.IsAskedToShare;
        slot.IsAskedToShare = false;
        IBlock[] sharable = asked ? [.. slot.Open.Where(block => !block.AtBarrier)] : [];
        if (sharable.Length < 2)
            return null;
        JobRank[] ranks = live.Rank([.. sharable.Select(block => block.Job)]);
        return new ParkTask(sharable[Enumerable.Range(0, ranks.Length).MaxBy(i => ranks[i], ByRank)]);
    }

    /// <summary>A block that waits at a barrier gives up its place when a block waits for one.</summary>
    private ParkTask? FindIdling(SlotState slot)
    {
        IBlock? idling = slot.Open.Find(block => block.AtBarrier);
        if (idling is null)
            return null;
        Dictionary<string, int>? begun = Begun();
        return live.InOrder.Any(job => job.Offer() is { IsRunnable: true, HasWaiting: true } && MayBegin(job, begun)) ? new ParkTask(idling) : null;
    }

    private SlotTask? Choose(SlotState slot)
    {
        while (true)
        {
            IReadOnlyList<Job> jobs = live.InOrder;
            bool mayRotate = FillCandidates(slot, jobs) < (long)_options.ParkedMegabytes << 20;
            var view = new SlotView(_options.OpenBlocksPerSlot, _options.TurnQuanta, mayRotate, slot.LastModel);
            SchedulingDecision decision = JobScheduler.Choose(CollectionsMarshal.AsSpan(slot.Candidates), view);
            if (decision.Action == SchedulingAction.Idle)
                return null;
            Job chosen = jobs[decision.Job];
            IBlock? mine = OpenBlockOf(slot, chosen);
            if (decision.Action == SchedulingAction.Park)
                return new ParkTask(mine!);
            if (mine is not null)
                return new AdvanceTask(Serve(slot, mine));
            // The job may have changed since it was a candidate: then others are.
            if (chosen.TryOpen() is { } opened)
                return new AdvanceTask(Serve(slot, OpenOn(slot, opened)));
        }
    }

    /// <returns>Bytes of all parked checkpoints.</returns>
    private long FillCandidates(SlotState slot, IReadOnlyList<Job> jobs)
    {
        slot.Candidates.Clear();
        JobRank[] ranks = live.Rank(jobs);
        Dictionary<string, int>? begun = Begun();
        long parkedBytes = 0;
        // Jobs of which one may have ended the last process run one at a time, so that it is known which.
        Job? suspect = jobs.FirstOrDefault(job => job.IsSuspect && job.OpenBlocks > 0);
        for (int i = 0; i < jobs.Count; i++)
        {
            JobOffer offer = jobs[i].Offer();
            if (!offer.IsRunnable || (suspect is not null && jobs[i] != suspect && jobs[i].IsSuspect))
                continue;
            if (!MayBegin(jobs[i], begun))
                continue;
            IBlock? open = offer.HasOpen ? OpenBlockOf(slot, jobs[i]) : null;
            if (open is not null || offer.HasWaiting)
                slot.Candidates.Add(new JobCandidate(i, ranks[i], jobs[i].Model, offer.HasWaiting, open is not null, open?.Quanta ?? 0));
            parkedBytes += offer.ParkedBytes;
        }
        return parkedBytes;
    }

    /// <summary>Null where no tenant's jobs are counted.</summary>
    private Dictionary<string, int>? Begun() => quotas.Value.LimitsConcurrency ? live.Begun() : null;

    /// <summary>Whether the job is at work already, or its tenant may have one more at work.</summary>
    private bool MayBegin(Job job, Dictionary<string, int>? begun) => begun is null || !job.IsQueued
        || quotas.Value.Of(job.Definition.Tenant).ConcurrentJobs is not { } limit || begun.GetValueOrDefault(job.Definition.Tenant) < limit;

    private static IBlock? OpenBlockOf(SlotState slot, Job job)
    {
        foreach (IBlock block in slot.Open)
        {
            if (block.Job == job && !block.AtBarrier)
                return block;
        }
        return null;
    }

    private IBlock Serve(SlotState slot, IBlock block)
    {
        Job job = block.Job;
        live.Serve(job);
        slot.LastModel = job.Model;
        if (job.Begin(block))
        {
            metrics.Began(job, clock.GetElapsedTime(job.QueuedAt));
            job.Trace?.Began();
            ShowQueue();
        }
        return block;
    }

    private static IBlock OpenOn(SlotState slot, IBlock block)
    {
        slot.Open.Add(block);
        block.Job.Trace?.Opened(block, slot.Index);
        return block;
    }
}
