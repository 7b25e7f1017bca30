using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using EbmService.Core.Jobs;
using EbmService.Jobs.Monitoring;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;
using EbmService.Jobs.Slots;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Lifecycle;

/// <summary>The jobs that have not ended, their standing with the scheduler and their places in the queue. Thread-safe.</summary>
internal sealed class LiveJobs(TimeProvider clock, IOptions<WorkerOptions> options)
{
    // Taken before any job's own lock, never after.
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, Job> _byId = new(StringComparer.Ordinal);
    private readonly RateMeter _rate = new(clock);
    private readonly FairClock _fairClock = new(options.Value.TurnQuanta);
    private readonly Dictionary<Job, int> _positions = [];
    private readonly Dictionary<string, (JobSpec Example, RecentRate Rate)> _recent = [];
    private readonly long _start = clock.GetTimestamp();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Job[] _inOrder = [];
    private volatile bool _isStopping;
    private long? _positionsAt;
    private int _slots = 1;
    private readonly List<string> _reserved = [];

    /// <value>Set for good when the process begins to stop.</value>
    public bool Stopping => _isStopping;

    /// <value>Completes when the process begins to stop.</value>
    public Task Stopped => _stopped.Task;

    /// <value>Oldest first; the array is never changed.</value>
    public IReadOnlyList<Job> InOrder => _inOrder;

    public int Queued => _inOrder.Count(job => job.IsQueued);

    /// <value>Jobs off the device on request; they count against the queue's capacity.</value>
    public int Paused => _inOrder.Count(job => job.IsPaused);

    public void Stop()
    {
        _isStopping = true;
        _stopped.TrySetResult();
    }

    /// <summary>Waits before another try; a stop ends the wait.</summary>
    public Task PauseAsync(TimeSpan delay) => Task.WhenAny(Task.Delay(delay, clock), Stopped);

    public Job? Find(string id) => _byId.GetValueOrDefault(id);

    /// <param name="count">Slots that take blocks.</param>
    public void SetSlots(int count)
    {
        lock (_lock)
            _slots = count;
    }

    /// <summary>Takes one of <paramref name="capacity"/> places in the queue until <see cref="Add"/> or <see cref="Release"/>.</summary>
    /// <param name="ofTenant">The places that the tenant may have; null for all of them.</param>
    public QueuePlace Reserve(string tenant, int capacity, int? ofTenant)
    {
        lock (_lock)
        {
            if (Queued + Paused + _reserved.Count >= capacity)
                return QueuePlace.QueueFull;
            if (ofTenant is { } quota && PlacesOf(tenant) >= quota)
                return QueuePlace.TenantFull;
            _reserved.Add(tenant);
            return QueuePlace.Reserved;
        }
    }

    public void Release(string tenant)
    {
        lock (_lock)
            _reserved.Remove(tenant);
    }

    /// <summary>How many of each tenant's jobs are at work.</summary>
    public Dictionary<string, int> Begun()
    {
        var begun = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Job job in _inOrder)
        {
            if (!job.IsQueued && !job.IsPaused && !job.IsOver)
                CollectionsMarshal.GetValueRefOrAddDefault(begun, job.Definition.Tenant, out _)++;
        }
        return begun;
    }

    private int PlacesOf(string tenant) => _reserved.Count(other => other == tenant)
        + _inOrder.Count(job => job.Definition.Tenant == tenant && (job.IsQueued || job.IsPaused));

    public void Add(Job job)
    {
        lock (_lock)
        {
            JobSnapshot recorded = job.Recorded;
            double? left = (recorded.CreatedAt - clock.GetUtcNow()).TotalSeconds + recorded.Spec.DeadlineSeconds;
            TenantActivity activity = ActivityOf(_fairClock.Find(recorded.Priority, recorded.Tenant), job);
            JobShare share = _fairClock.Enter(recorded.Priority, recorded.Tenant, activity, Now, Now + left ?? double.PositiveInfinity);
            job.Join(share);
            _byId[job.Id] = job;
            _inOrder = [.. _inOrder, job];
            ForgetPositions();
        }
    }

    public void Remove(Job job)
    {
        lock (_lock)
        {
            if (!_byId.TryRemove(KeyValuePair.Create(job.Id, job)))
                return;
            _inOrder = [.. _inOrder.Where(other => other != job)];
            ForgetPositions();
            _fairClock.Leave(job.Share!);
        }
    }

    /// <summary>A job that was taken off the slots' hands (paused) is about to wait again.</summary>
    public void Return(Job job)
    {
        lock (_lock)
            _fairClock.Return(job.Share!, ActivityOf(job.Share!.Tenant, job), Now);
    }

    /// <summary>A block of the job gets a quantum.</summary>
    public void Serve(Job job)
    {
        lock (_lock)
            _fairClock.Serve(job.Share!, RankOf(job, Ranking()).IsAged, Now);
    }

    /// <summary>A block of the job has had a quantum.</summary>
    public void Charge(Job job, TimeSpan slotTime, long units)
    {
        lock (_lock)
        {
            job.Share!.Charge(slotTime, units);
            _rate.Add(units);
            JobSpec spec = job.Definition.Spec;
            if (!_recent.TryGetValue(spec.Type, out (JobSpec Example, RecentRate Rate) recent))
                _recent[spec.Type] = recent = (spec, RecentIntervals.Create(clock));
            recent.Rate.Add(units);
        }
    }

    /// <summary>Units of work per second over the last minutes, of all job types that are asked for.</summary>
    public double[] RecentUnits(Func<JobSpec, bool> isAsked)
    {
        lock (_lock)
            return RecentIntervals.Sum(_recent.Values.Where(one => isAsked(one.Example)).Select(one => one.Rate.PerSecond()));
    }

    /// <summary>The queued jobs in the order in which they will begin, and when: what those ahead still need of the slots.</summary>
    public IReadOnlyList<(Job Job, int Position, double? StartsInSeconds)> Waiting()
    {
        lock (_lock)
        {
            Job[] queued = [.. _inOrder.Where(job => job.IsQueued && job.Share is not null)];
            RankingView ranking = Ranking();
            double? ahead = 0;
            foreach (Job job in _inOrder.Where(job => !job.IsQueued && job.IsRunnable))
                ahead += job.Share!.SecondsOf(job.RemainingUnits, ranking);
            var waiting = new List<(Job, int, double?)>(queued.Length);
            foreach ((Job job, int position) in queued.Select(job => (job, PositionOf(job) ?? int.MaxValue)).OrderBy(one => one.Item2))
            {
                waiting.Add((job, position, ahead / _slots));
                ahead += job.Share!.SecondsOf(job.RemainingUnits, ranking);
            }
            return waiting;
        }
    }

    /// <summary>The ranks of jobs at one moment, in their order.</summary>
    public JobRank[] Rank(IReadOnlyList<Job> jobs)
    {
        lock (_lock)
        {
            RankingView view = Ranking();
            var ranks = new JobRank[jobs.Count];
            for (int i = 0; i < ranks.Length; i++)
                ranks[i] = RankOf(jobs[i], view);
            return ranks;
        }
    }

    /// <summary>A queued job began, or left the queue otherwise.</summary>
    public void QueueChanged()
    {
        lock (_lock)
            ForgetPositions();
    }

    public TimeSpan RetryAfter()
    {
        lock (_lock)
        {
            RankingView ranking = Ranking();
            return QueueEstimate.RetryAfter([.. _inOrder.Select(job => job.Share!.SecondsOf(job.RemainingUnits, ranking))], _slots);
        }
    }

    /// <summary>The job as clients see it now.</summary>
    public JobSnapshot Snapshot(Job job) => job.Snapshot(PositionOf(job));

    /// <summary>The job's place in the queue from 1, or null where it isn't queued.</summary>
    /// <remarks>
    /// Computed for all queued jobs at once and kept until the queue changes,
    /// at most for the time in which progress is not shown again.
    /// </remarks>
    public int? PositionOf(Job job)
    {
        lock (_lock)
        {
            if (!job.IsQueued || job.Share is null)
                return null;
            if (_positionsAt is not { } last || clock.GetElapsedTime(last) >= SlotBoard.ProgressInterval || !_positions.ContainsKey(job))
                ComputePositions();
            return _positions.TryGetValue(job, out int position) ? position : null;
        }
    }

    private double Now => clock.GetElapsedTime(_start).TotalSeconds;

    private RankingView Ranking() =>
        new(Now, options.Value.AgeingSeconds, options.Value.DeadlineMarginSeconds, _rate.PerSecond() / _slots, _slots);

    private static JobRank RankOf(Job job, in RankingView view) =>
        JobRank.Of(job.Share!, job.RemainingUnits, job.RemainingBlocks, view);

    private void ForgetPositions()
    {
        _positionsAt = null;
        _positions.Clear();
    }

    private void ComputePositions()
    {
        _positionsAt = clock.GetTimestamp();
        Job[] queued = [.. _inOrder.Where(job => job.IsQueued)];
        RankingView view = Ranking();
        int[] positions = QueueOrder.Positions(
            [.. queued.Select(job => RankOf(job, view))], [.. queued.Select(job => job.Share!.Tenant.Level.LargestQuantum)]);
        _positions.Clear();
        for (int i = 0; i < queued.Length; i++)
            _positions.Add(queued[i], positions[i]);
    }

    private TenantActivity ActivityOf(TenantShare? tenant, Job without)
    {
        TenantActivity activity = TenantActivity.Idle;
        foreach (Job other in tenant is null ? [] : _inOrder)
        {
            if (other.Share!.Tenant != tenant || other == without || !other.IsRunnable)
                continue;
            if (other.Offer().HasWaiting)
                return TenantActivity.Waiting;
            activity = TenantActivity.Served;
        }
        return activity;
    }
}

/// <summary>Whether there is room for one more job.</summary>
internal enum QueuePlace
{
    Reserved,
    QueueFull,

    /// <summary>The tenant's quota is used up.</summary>
    TenantFull,
}
