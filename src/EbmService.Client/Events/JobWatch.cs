using EbmService.Core.Jobs;

namespace EbmService.Client.Events;

/// <summary>What one watch has seen so far; takes events of any connection. Thread-safe.</summary>
internal interface IJobWatch
{
    /// <value>Null: all jobs.</value>
    string? JobId { get; }

    /// <value>Counts what came.</value>
    long Heard { get; }

    /// <value>The highest sequence number that came.</value>
    long LastSequence { get; }

    /// <returns>Whether that was the last event.</returns>
    bool Offer(JobEvent happened);

    /// <summary>The connection works, though no event came.</summary>
    void Touch();

    /// <summary>Jobs that may have ended while there was no connection.</summary>
    IReadOnlyList<string> Missed() => [];

    void Forget(string id)
    {
    }
}

/// <summary>A watch of one job: an event that a new connection repeats is dropped by its number.</summary>
internal sealed class JobWatch(string id, EventBuffer buffer) : IJobWatch
{
    private readonly Lock _lock = new();
    private bool _ended;

    public string JobId => id;

    public long Heard { get; private set; }

    public long LastSequence { get; private set; }

    public void Touch()
    {
        lock (_lock)
            Heard++;
    }

    public bool Offer(JobEvent happened)
    {
        lock (_lock)
        {
            Heard++;
            bool ends = happened is JobChangedEvent { Job.Status: var status } && status.IsTerminal();
            if (_ended || (happened.Sequence <= LastSequence && !ends))
                return _ended;
            LastSequence = Math.Max(happened.Sequence ?? 0, LastSequence);
            _ended = ends;
            buffer.Offer(happened);
            return _ended;
        }
    }
}

/// <summary>A watch of all jobs, or of one tenant's.</summary>
internal sealed class AllJobsWatch(string? tenant, EventBuffer buffer) : IJobWatch
{
    private const int MaxEnded = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _active = [];
    private readonly HashSet<string> _endedSet = [];
    private readonly Queue<string> _ended = [];

    public string? JobId => null;

    public long Heard { get; private set; }

    public long LastSequence => 0;

    public void Touch()
    {
        lock (_lock)
            Heard++;
    }

    public bool Offer(JobEvent happened)
    {
        lock (_lock)
        {
            Heard++;
            if (happened is JobChangedEvent { Job: var job })
            {
                if (tenant is not null && job.Tenant != tenant)
                    return false;
                bool isKnown = _active.TryGetValue(job.Id, out long before);
                if (isKnown && happened.Sequence <= before && !job.Status.IsTerminal())
                    return false;
                if (!Follow(job))
                    return false;
                if (!job.Status.IsTerminal())
                    _active[job.Id] = Math.Max(happened.Sequence ?? 0, before);
            }
            else if (!_active.TryGetValue(happened.JobId, out long last) || happened.Sequence <= last)
            {
                return false;
            }
            else
            {
                _active[happened.JobId] = happened.Sequence ?? last;
            }
            buffer.Offer(happened);
            return false;
        }
    }

    public IReadOnlyList<string> Missed()
    {
        lock (_lock)
            return [.. _active.Keys];
    }

    public void Forget(string id)
    {
        lock (_lock)
            _active.Remove(id);
    }

    /// <returns>Whether it is news: an end comes once, though a connection and a look at the job may both tell it.</returns>
    private bool Follow(JobResponse job)
    {
        if (_endedSet.Contains(job.Id))
            return false;
        if (!job.Status.IsTerminal())
        {
            _active.TryAdd(job.Id, 0);
            return true;
        }
        _active.Remove(job.Id);
        _endedSet.Add(job.Id);
        _ended.Enqueue(job.Id);
        if (_ended.Count > MaxEnded)
            _endedSet.Remove(_ended.Dequeue());
        return true;
    }
}
