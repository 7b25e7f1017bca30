using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Execution;

/// <summary>The jobs that have not ended, and the one gate that guards them, the slots and the questions.</summary>
internal sealed class LiveJobs(TimeProvider clock)
{
    private readonly Dictionary<string, LiveJob> _byId = [];
    private readonly List<LiveJob> _inOrder = [];
    private readonly RateMeter _rate = new(clock);
    private readonly FairClock _fairClock = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _order;
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

    public IReadOnlyList<LiveJob> InOrder => _inOrder;

    public FairClock FairClock => _fairClock;

    public int Queued => _inOrder.Count(job => job.IsQueued);

    public LiveJob? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>Takes one of <paramref name="capacity"/> places in the queue until <see cref="Add"/> or <see cref="Release"/>.</summary>
    public bool TryReserve(int capacity)
    {
        if (Queued + _reserved >= capacity)
            return false;
        _reserved++;
        return true;
    }

    public void Release() => _reserved--;

    public void Add(LiveJob job)
    {
        job.Order = _order++;
        job.VirtualTime = _fairClock.Enter(job.Recorded.Priority);
        _byId.Add(job.Id, job);
        _inOrder.Add(job);
    }

    public void Remove(LiveJob job)
    {
        if (_byId.Remove(job.Id))
            _inOrder.Remove(job);
    }

    public void CountChainSteps(long amount) => _rate.Add(amount);

    public TimeSpan RetryAfter() =>
        QueueEstimate.RetryAfter(_inOrder.Sum(job => job.ChainSteps - job.DoneChainSteps), _rate.PerSecond());

    /// <summary>The job as clients see it now.</summary>
    public JobSnapshot Snapshot(LiveJob job) => job.Recorded.Status.IsTerminal()
        ? job.Recorded
        : job.Recorded with { Progress = ProgressSummary.Of(job, job.IsQueued ? PositionOf(job) : null) };

    private int PositionOf(LiveJob job) => 1 + _inOrder.Count(other => other.IsQueued && Precedes(other, job));

    private static bool Precedes(LiveJob a, LiveJob b) =>
        (-a.Recorded.Priority, a.VirtualTime, a.Order).CompareTo((-b.Recorded.Priority, b.VirtualTime, b.Order)) < 0;
}
