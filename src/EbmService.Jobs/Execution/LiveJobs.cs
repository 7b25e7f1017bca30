using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Execution;

/// <summary>The jobs that have not ended, and the one gate that guards them, the slots and the questions.</summary>
internal sealed class LiveJobs(TimeProvider clock, IOptions<WorkerOptions> options)
{
    private readonly Dictionary<string, LiveJob> _byId = [];
    private readonly List<LiveJob> _inOrder = [];
    private readonly RateMeter _rate = new(clock);
    private readonly FairClock _fairClock = new(options.Value.TurnQuanta);
    private readonly QueuePositions _positions = new(clock);
    private readonly long _start = clock.GetTimestamp();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _reserved;

    /// <value>A monitor: slots wait on it for work. Held for microseconds, never across a call into a workload or the disk.</value>
    public object Gate { get; } = new();

    /// <value>Set for good when the process begins to stop.</value>
    public bool Stopping { get; private set; }

    /// <value>Completes when the process begins to stop.</value>
    public Task Stopped => _stopped.Task;

    public void Stop()
    {
        Stopping = true;
        _stopped.TrySetResult();
    }

    /// <summary>Waits before another try; a stop ends the wait.</summary>
    public Task PauseAsync(TimeSpan delay) => Task.WhenAny(Task.Delay(delay, clock), Stopped);

    public IReadOnlyList<LiveJob> InOrder => _inOrder;

    /// <value>Slots that take blocks.</value>
    public int Slots { get; set; } = 1;

    public int Queued => _inOrder.Count(job => job.IsQueued);

    /// <value>Jobs off the device on request; they count against the queue's capacity.</value>
    public int Paused => _inOrder.Count(job => job.PauseRequested);

    public LiveJob? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>Takes one of <paramref name="capacity"/> places in the queue until <see cref="Add"/> or <see cref="Release"/>.</summary>
    public bool TryReserve(int capacity)
    {
        if (Queued + Paused + _reserved >= capacity)
            return false;
        _reserved++;
        return true;
    }

    public void Release() => _reserved--;

    public void Add(LiveJob job)
    {
        JobSnapshot recorded = job.Recorded;
        double? left = (recorded.CreatedAt - clock.GetUtcNow()).TotalSeconds + recorded.Spec.DeadlineSeconds;
        job.Share = _fairClock.Enter(recorded.Priority, recorded.Tenant, ActivityOf(_fairClock.Find(recorded.Priority, recorded.Tenant), job),
            Now, Now + left ?? double.PositiveInfinity);
        _byId.Add(job.Id, job);
        _inOrder.Add(job);
        _positions.Invalidate();
    }

    public void Remove(LiveJob job)
    {
        if (!_byId.Remove(job.Id))
            return;
        _inOrder.Remove(job);
        job.DeadlineTimer?.Dispose();
        _positions.Invalidate();
        _fairClock.Leave(job.Share!);
    }

    /// <summary>A job that was taken off the slots' hands (paused) waits again.</summary>
    public void Return(LiveJob job) => _fairClock.Return(job.Share!, ActivityOf(job.Share!.Tenant, job), Now);

    /// <summary>A block of the job gets a quantum.</summary>
    public void Serve(LiveJob job) => _fairClock.Serve(job.Share!, job.Rank(Ranking()).IsAged, Now);

    /// <summary>What ranks are computed against now.</summary>
    public RankingView Ranking() => new(Now, options.Value.AgeingSeconds, options.Value.DeadlineMarginSeconds, _rate.PerSecond() / Slots, Slots);

    /// <summary>A queued job began, or left the queue otherwise.</summary>
    public void QueueChanged() => _positions.Invalidate();

    public void CountChainSteps(long amount) => _rate.Add(amount);

    public TimeSpan RetryAfter()
    {
        RankingView ranking = Ranking();
        return QueueEstimate.RetryAfter([.. _inOrder.Select(job => job.Share!.SecondsOf(job.ChainSteps - job.DoneChainSteps, ranking))], Slots);
    }

    /// <summary>The job as clients see it now.</summary>
    public JobSnapshot Snapshot(LiveJob job) => job.Recorded.Status.IsTerminal()
        ? job.Recorded
        : job.Recorded with { Progress = ProgressSummary.Of(job, _positions.Of(job, this)) };

    private double Now => clock.GetElapsedTime(_start).TotalSeconds;

    private TenantActivity ActivityOf(TenantShare? tenant, LiveJob without)
    {
        TenantActivity activity = TenantActivity.Idle;
        foreach (LiveJob other in tenant is null ? [] : _inOrder)
        {
            if (other.Share!.Tenant != tenant || other == without || !other.IsRunnable)
                continue;
            if (other.Waiting.Count > 0)
                return TenantActivity.Waiting;
            activity = TenantActivity.Served;
        }
        return activity;
    }
}
