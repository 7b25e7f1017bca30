using EbmService.Core.Service;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Monitoring;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Queries;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Slots;

/// <summary>Where slots get their next task and others leave work for them. Every member is thread-safe.</summary>
internal sealed class SlotBoard(
    LiveJobs live, SlotChoice choice, CheckpointWriter checkpoints, LiveDiagnostics diagnostics, JobEventHub hub, SlotMetrics metrics,
    TimeProvider clock, IOptions<WorkerOptions> options, IOptions<JobLimitsOptions> limits)
{
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    // A monitor: slots wait on it for work. Taken before the locks of jobs, and never held across a call into a workload or the disk.
    private readonly object _gate = new();
    private readonly List<SlotState> _slots = [];
    private readonly QueryQueue _queries = new();
    private readonly RecentRate _answered = RecentIntervals.Create(clock);
    private bool _hasDevice = true;
    private volatile bool _hasQueries;

    /// <value>Whether every slot is at work and has its device.</value>
    public bool IsReady
    {
        get
        {
            lock (_gate)
                return !live.Stopping && _slots.Count > 0 && _slots.All(slot => slot.IsBound);
        }
    }

    public SlotState AddSlot()
    {
        lock (_gate)
        {
            var slot = new SlotState(_slots.Count, clock, metrics.AddSlot());
            _slots.Add(slot);
            live.SetSlots(_slots.Count);
            return slot;
        }
    }

    public void SetBound(SlotState slot, bool bound)
    {
        lock (_gate)
        {
            slot.IsBound = bound;
            // Whether some slot can reach the device, or has not tried yet.
            _hasDevice = _slots.Any(other => other.IsBound);
            if (_hasDevice)
                return;
            foreach (PendingQuery pending in _queries.Clear())
                pending.Complete(QueryDispatcher.DeviceLost);
        }
    }

    /// <summary>Waits before a slot tries its device again.</summary>
    /// <returns>False when the process stops.</returns>
    public bool Wait(TimeSpan delay)
    {
        lock (_gate)
        {
            if (live.Stopping)
                return false;
            Monitor.Wait(_gate, delay);
            return true;
        }
    }

    public void Add(Job job)
    {
        lock (_gate)
        {
            live.Add(job);
            hub.Publish(live.Snapshot(job));
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>No new tasks: slots finish their quantum and leave.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            live.Stop();
            foreach (SlotState slot in _slots)
                slot.Budget.RequestYield();
            foreach (PendingQuery pending in _queries.Clear())
                pending.Complete(QueryDispatcher.ShuttingDown);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Queues a query: slots that wait take it; those in a quantum end it at the next step, and the first that comes takes it, or its part of many rows.</summary>
    /// <param name="place">To take it back with <see cref="Withdraw"/>.</param>
    /// <returns>Why it can't be asked; null when it is queued.</returns>
    public Core.Failures.Failure? TryAsk(PendingQuery pending, out LinkedListNode<PendingQuery>? place)
    {
        place = null;
        lock (_gate)
        {
            if (live.Stopping)
                return QueryDispatcher.ShuttingDown;
            if (!_hasDevice)
                return QueryDispatcher.DeviceLost;
            if (_queries.Count >= limits.Value.MaxQueuedQueries)
                return QueryDispatcher.QueueFull;
            place = _queries.Add(pending);
            _hasQueries = true;
            Monitor.PulseAll(_gate);
            foreach (SlotState slot in _slots)
            {
                if (slot.IsInQuantum)
                    slot.Budget.RequestYield();
            }
            return null;
        }
    }

    /// <summary>Takes a query back that no slot has taken.</summary>
    public void Withdraw(LinkedListNode<PendingQuery> place)
    {
        lock (_gate)
            _queries.Remove(place);
    }

    /// <summary>Slots that hold a block of the job come to their next boundary; those that wait look again.</summary>
    public void WakeFor(Job job)
    {
        lock (_gate)
        {
            foreach (SlotState slot in _slots)
            {
                if (!job.IsRunnable && slot.Open.Exists(block => block.Job == job))
                    slot.Budget.RequestYield();
            }
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Jobs came to the queue or left it: those who watch it are told.</summary>
    public void ShowQueue()
    {
        lock (_gate)
            choice.ShowQueue();
    }

    /// <summary>Starts the slot's clock; what arrived since it got its task shortens the quantum to one step.</summary>
    public QuantumOrder BeginQuantum(SlotState slot, IBlock block)
    {
        Job job = block.Job;
        QuantumLimits quantum = job.LimitsFor(block);
        bool wantsSeries = quantum.MayReachBarrier | diagnostics.Wants(block);
        bool save = checkpoints.IsDue(block);
        lock (_gate)
        {
            slot.Budget.Start(TimeSpan.FromMilliseconds(options.Value.QuantumMilliseconds), quantum.StepLimit, wantsSeries);
            slot.IsInQuantum = true;
            if (live.Stopping || _queries.Count > 0 || !job.IsRunnable)
                slot.Budget.RequestYield();
        }
        return new QuantumOrder(quantum.StopStep, save, wantsSeries);
    }

    public void EndQuantum(SlotState slot)
    {
        lock (_gate)
            slot.IsInQuantum = false;
    }

    /// <summary>The block gives up its place on the slot.</summary>
    public void Leave(SlotState slot, IBlock block)
    {
        lock (_gate)
            slot.Open.Remove(block);
        block.Job.Trace?.Left(block);
    }

    public IBlock[] OpenOn(SlotState slot)
    {
        lock (_gate)
            return [.. slot.Open];
    }

    /// <summary>The slot's next task; waits without polling while there is none.</summary>
    /// <remarks>
    /// 1. stop; 2. queries, but a step of a block between two batches; 3. cancels and failures that arrived meanwhile; 4. a block for a
    /// slot that idles; 5. the scheduler's choice.
    /// </remarks>
    public SlotTask Next(SlotState slot)
    {
        lock (_gate)
        {
            slot.Current = null;
            return slot.Current = Choose(slot);
        }
    }

    /// <summary>What each slot does.</summary>
    /// <param name="mayName">Whether a job may be named.</param>
    public SlotResponse[] Look(Func<Job, bool> mayName)
    {
        lock (_gate)
            return [.. _slots.Select(slot => Look(slot, mayName))];
    }

    public double[] RecentQueries()
    {
        lock (_gate)
            return _answered.PerSecond();
    }

    private static SlotResponse Look(SlotState slot, Func<Job, bool> mayName)
    {
        Job? job = (slot.Current as AdvanceTask)?.Block.Job;
        SlotWork work = !slot.IsBound ? SlotWork.NoDevice
            : slot.Current is AnswerTask ? SlotWork.Queries
            : slot.Current is null ? SlotWork.Idle : SlotWork.Job;
        string[] open = [.. slot.Open.Select(block => block.Job).Distinct().Where(mayName).Select(one => one.Id)];
        return new SlotResponse(slot.Index, work, job is not null && mayName(job) ? job.Id : null, open, slot.Time.RecentlyBusy());
    }

    /// <summary>Queries for a slot in the middle of a quantum; null where none waits or the slot's blocks have had less time than its last queries.</summary>
    public AnswerTask? TryTakeWithin(SlotState slot)
    {
        if (!_hasQueries || clock.GetTimestamp() < slot.OwesUntil)
            return null;
        lock (_gate)
            return _queries.Count > 0 ? new AnswerTask(Take(slot)) : null;
    }

    private SlotTask Choose(SlotState slot)
    {
        while (!live.Stopping)
        {
            if (!slot.JustAnswered && _queries.Count > 0)
                return TakeQueries(slot);
            slot.JustAnswered = false;
            if (choice.Find(slot) is { } task)
                return task;
            if (_queries.Count > 0)
                return TakeQueries(slot);
            AskToShare(slot);
            slot.IsWaiting = true;
            slot.Time.Switch(SlotActivity.Idle);
            Monitor.Wait(_gate);
            slot.Time.Switch(SlotActivity.Job);
            slot.IsWaiting = false;
        }
        return new StopTask();
    }

    private AnswerTask TakeQueries(SlotState slot)
    {
        slot.JustAnswered = true;
        return new AnswerTask(Take(slot));
    }

    private List<QueryPart> Take(SlotState slot)
    {
        // Between two batches, a slot with blocks works on them: nobody is to wait for that.
        List<QueryPart> parts = _queries.Take(Math.Max(1, _slots.Count(other => other.IsBound)), limits.Value.MaxQueryRows, leavesRest: slot.Open.Count == 0);
        _hasQueries = _queries.Count > 0;
        _answered.Add(parts.Sum(part => part.Rows));
        return parts;
    }

    private void AskToShare(SlotState idle)
    {
        SlotState? busiest = _slots.Where(slot => slot != idle).MaxBy(slot => slot.Sharable);
        if (busiest is { Sharable: > 1, IsAskedToShare: false })
            busiest.IsAskedToShare = true;
    }
}
