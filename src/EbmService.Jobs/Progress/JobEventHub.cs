using EbmService.Core.Jobs;

namespace EbmService.Jobs.Progress;

/// <summary>Event logs of live and lately ended jobs, and who watches them. Thread-safe; publishing never waits for a reader.</summary>
internal sealed class JobEventHub(TimeProvider clock)
{
    public const int MaxEndedLogs = 256;
    public static readonly TimeSpan KeepEnded = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, JobEventLog> _logs = [];
    private readonly Queue<(long EndedAt, string Id)> _ended = new();
    private readonly List<JobWatcher> _allWatchers = [];
    private bool _completed;

    public void Open(string id, int epoch)
    {
        lock (_lock)
            _logs[id] = new JobEventLog(id, epoch);
    }

    public void Forget(string id)
    {
        lock (_lock)
        {
            if (!_logs.Remove(id, out JobEventLog? log))
                return;
            foreach (JobWatcher watcher in log.Watchers)
                watcher.Complete();
        }
    }

    /// <value>The number that the job's next event will have.</value>
    public long NextSequence(string id)
    {
        lock (_lock)
            return _logs.TryGetValue(id, out JobEventLog? log) ? log.LastSequence + 1 : 0;
    }

    public bool IsWatched(string id)
    {
        lock (_lock)
            return _logs.TryGetValue(id, out JobEventLog? log) && log.Watchers.Count > 0;
    }

    public void Publish(JobSnapshot job)
    {
        lock (_lock)
        {
            Append(job.Id, log => log.Append(job));
            if (!job.Status.IsTerminal())
                return;
            _ended.Enqueue((clock.GetTimestamp(), job.Id));
            DropOld();
        }
    }

    public void Publish(string id, JobProgress progress)
    {
        lock (_lock)
            Append(id, log => log.Append(progress));
    }

    public void Publish(string id, PreviewFrame preview)
    {
        lock (_lock)
            Append(id, log => log.Append(preview));
    }

    /// <summary>A watcher already holding what it missed, or null when the job has no log (any more).</summary>
    public JobWatcher? Subscribe(string id, long after)
    {
        lock (_lock)
        {
            DropOld();
            if (!_logs.TryGetValue(id, out JobEventLog? log))
                return null;
            var watcher = new JobWatcher(single: true);
            foreach (JobEvent entry in log.Replay(after))
                watcher.Offer(entry);
            if (log.Ended || _completed)
                watcher.Complete();
            else
                log.Watchers.Add(watcher);
            return watcher;
        }
    }

    /// <summary>A watcher of every job, already holding the current state of those that have not ended.</summary>
    public JobWatcher SubscribeAll()
    {
        lock (_lock)
        {
            var watcher = new JobWatcher(single: false);
            foreach (JobEventLog log in _logs.Values)
            {
                if (log is { Ended: false, LastChange: { } change })
                    watcher.Offer(change);
            }
            if (_completed)
                watcher.Complete();
            _allWatchers.Add(watcher);
            return watcher;
        }
    }

    public void Unsubscribe(string? id, JobWatcher watcher)
    {
        lock (_lock)
        {
            if (id is null)
                _allWatchers.Remove(watcher);
            else if (_logs.TryGetValue(id, out JobEventLog? log))
                log.Watchers.Remove(watcher);
        }
    }

    /// <summary>Ends every watch: the process stops.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _completed = true;
            foreach (JobWatcher watcher in _logs.Values.SelectMany(log => log.Watchers).Concat(_allWatchers))
                watcher.Complete();
        }
    }

    private void Append(string id, Func<JobEventLog, JobEvent> append)
    {
        if (!_logs.TryGetValue(id, out JobEventLog? log) || log.Ended)
            return;
        JobEvent entry = append(log);
        foreach (JobWatcher watcher in log.Watchers)
            watcher.Offer(entry);
        foreach (JobWatcher watcher in _allWatchers)
            watcher.Offer(entry);
    }

    private void DropOld()
    {
        while (_ended.TryPeek(out (long EndedAt, string Id) oldest)
            && (_ended.Count > MaxEndedLogs || clock.GetElapsedTime(oldest.EndedAt) > KeepEnded))
        {
            _logs.Remove(_ended.Dequeue().Id);
        }
    }
}
