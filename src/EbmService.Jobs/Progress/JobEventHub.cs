using System.Runtime.CompilerServices;
using System.Threading.Channels;
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

    /// <summary>The job's latest preview; null where there is none.</summary>
    public PreviewFrame? PreviewOf(string id)
    {
        lock (_lock)
            return _logs.GetValueOrDefault(id)?.LatestPreview;
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
            foreach (JobLogEntry entry in log.Replay(after))
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

    private void Append(string id, Func<JobEventLog, JobLogEntry> append)
    {
        if (!_logs.TryGetValue(id, out JobEventLog? log) || log.Ended)
            return;
        JobLogEntry entry = append(log);
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

/// <summary>One job's ordered events: all changes, the latest progress and the latest preview. Guarded by its hub.</summary>
internal sealed class JobEventLog(string jobId, int epoch)
{
    /// <summary>Room for a process's events: a later process's numbers are always greater, whatever a client saw of this one.</summary>
    private const long NumbersPerEpoch = 1_000_000_000;

    private readonly List<JobChangedEntry> _changes = [];
    private JobProgressEntry? _progress;
    private JobPreviewEntry? _preview;

    public List<JobWatcher> Watchers { get; } = [];

    public PreviewFrame? LatestPreview { get; private set; }

    public long LastSequence { get; private set; } = FirstSequence(epoch) - 1;

    public static long FirstSequence(int epoch) => epoch * NumbersPerEpoch + 1;

    public bool Ended => _changes is [.., var last] && last.Job.Status.IsTerminal();

    public JobChangedEntry? LastChange => _changes.LastOrDefault();

    public JobLogEntry Append(JobSnapshot job)
    {
        var entry = new JobChangedEntry(jobId, ++LastSequence, job);
        _changes.Add(entry);
        return entry;
    }

    public JobLogEntry Append(JobProgress progress) => _progress = new JobProgressEntry(jobId, ++LastSequence, progress);

    public JobLogEntry Append(PreviewFrame preview)
    {
        LatestPreview = preview;
        return _preview = new JobPreviewEntry(jobId, ++LastSequence, preview.Step, preview.Png);
    }

    /// <summary>What a reader that has seen <paramref name="after"/> still needs, in order.</summary>
    public IEnumerable<JobLogEntry> Replay(long after) =>
        _changes.Append<JobLogEntry?>(_progress).Append(_preview).OfType<JobLogEntry>()
            .Where(entry => entry.Sequence > after).OrderBy(entry => entry.Sequence);
}

/// <summary>
/// One subscriber's mailbox: changes queue up, of progress and previews only the latest of each job stays. Offering never waits
/// and runs none of the reader's code. A reader of all jobs that falls too many changes behind is ended instead of growing.
/// </summary>
internal sealed class JobWatcher(bool single)
{
    public const int MaxPendingChanges = 4096;

    private readonly Lock _lock = new();
    private readonly LinkedList<JobLogEntry> _pending = [];
    private readonly Dictionary<(string Job, Type Kind), LinkedListNode<JobLogEntry>> _lossy = [];
    private readonly Channel<bool> _signal =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private int _changes;

    public void Offer(JobLogEntry entry)
    {
        lock (_lock)
        {
            if (entry is JobPreviewEntry && !single)
                return;
            if (entry is JobChangedEntry && ++_changes > MaxPendingChanges)
            {
                _signal.Writer.TryComplete();
                return;
            }
            LinkedListNode<JobLogEntry> node = _pending.AddLast(entry);
            if (entry is not JobChangedEntry)
            {
                (string, Type) key = (entry.JobId, entry.GetType());
                if (_lossy.Remove(key, out LinkedListNode<JobLogEntry>? stale))
                    _pending.Remove(stale);
                _lossy[key] = node;
            }
        }
        _signal.Writer.TryWrite(true);
    }

    /// <summary>No more events: the process stops.</summary>
    public void Complete() => _signal.Writer.TryComplete();

    /// <summary>Events in order; for a single job it ends after the terminal change.</summary>
    public async IAsyncEnumerable<JobLogEntry> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool open = true;
        while (open)
        {
            open = await _signal.Reader.WaitToReadAsync(cancellationToken);
            _signal.Reader.TryRead(out _);
            while (Take() is { } entry)
            {
                yield return entry;
                if (single && entry is JobChangedEntry { Job.Status: var status } && status.IsTerminal())
                    yield break;
            }
        }
    }

    private JobLogEntry? Take()
    {
        lock (_lock)
        {
            if (_pending.First is not { } node)
                return null;
            _pending.RemoveFirst();
            if (node.Value is JobChangedEntry)
                _changes--;
            else
                _lossy.Remove((node.Value.JobId, node.Value.GetType()));
            return node.Value;
        }
    }
}
