using System.Runtime.CompilerServices;
using System.Threading.Channels;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Progress;

/// <summary>
/// One subscriber's mailbox: changes queue up, of progress and previews only the latest of each job stays. Offering never waits
/// and runs none of the reader's code. A reader of all jobs that falls too many changes behind is ended instead of growing.
/// </summary>
internal sealed class JobWatcher(bool single)
{
    public const int MaxPendingChanges = 4096;

    private readonly Lock _lock = new();
    private readonly LinkedList<JobEvent> _pending = [];
    private readonly Dictionary<(string Job, Type Kind), LinkedListNode<JobEvent>> _lossy = [];
    private readonly Channel<bool> _signal =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private int _changes;

    public void Offer(JobEvent entry)
    {
        lock (_lock)
        {
            if (entry is JobPreviewEvent && !single)
                return;
            if (entry is JobChangedEvent && ++_changes > MaxPendingChanges)
            {
                _signal.Writer.TryComplete();
                return;
            }
            LinkedListNode<JobEvent> node = _pending.AddLast(entry);
            if (entry is not JobChangedEvent)
            {
                (string, Type) key = (entry.JobId, entry.GetType());
                if (_lossy.Remove(key, out LinkedListNode<JobEvent>? stale))
                    _pending.Remove(stale);
                _lossy[key] = node;
            }
        }
        _signal.Writer.TryWrite(true);
    }

    /// <summary>No more events: the process stops.</summary>
    public void Complete() => _signal.Writer.TryComplete();

    /// <summary>Events in order; for a single job it ends after the terminal change.</summary>
    public async IAsyncEnumerable<JobEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        bool open = true;
        while (open)
        {
            open = await _signal.Reader.WaitToReadAsync(cancellation);
            _signal.Reader.TryRead(out _);
            while (Take() is { } entry)
            {
                yield return entry;
                if (single && entry is JobChangedEvent { Job.Status: var status } && status.IsTerminal())
                    yield break;
            }
        }
    }

    private JobEvent? Take()
    {
        lock (_lock)
        {
            if (_pending.First is not { } node)
                return null;
            _pending.RemoveFirst();
            if (node.Value is JobChangedEvent)
                _changes--;
            else
                _lossy.Remove((node.Value.JobId, node.Value.GetType()));
            return node.Value;
        }
    }
}
