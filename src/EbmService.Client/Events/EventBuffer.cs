using System.Threading.Channels;

namespace EbmService.Client.Events;

/// <summary>Between a connection and a reader: changes queue up, of progress and previews only the latest of each job stays.
/// Thread-safe.</summary>
internal sealed class EventBuffer
{
    private readonly Lock _lock = new();
    private readonly LinkedList<JobEvent> _pending = [];
    private readonly Dictionary<(string Job, Type Kind), LinkedListNode<JobEvent>> _lossy = [];
    private readonly Channel<bool> _signal =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    internal void Offer(JobEvent happened)
    {
        lock (_lock)
        {
            LinkedListNode<JobEvent> node = _pending.AddLast(happened);
            if (happened is not JobChangedEvent)
            {
                (string, Type) key = (happened.JobId, happened.GetType());
                if (_lossy.Remove(key, out LinkedListNode<JobEvent>? stale))
                    _pending.Remove(stale);
                _lossy[key] = node;
            }
        }
        _signal.Writer.TryWrite(true);
    }

    internal void Complete(Exception? failure = null) => _signal.Writer.TryComplete(failure);

    internal JobEvent? Take()
    {
        lock (_lock)
        {
            if (_pending.First is not { } node)
                return null;
            _pending.RemoveFirst();
            if (node.Value is not JobChangedEvent)
                _lossy.Remove((node.Value.JobId, node.Value.GetType()));
            return node.Value;
        }
    }

    /// <returns>False when no more will come.</returns>
    /// <exception cref="EbmException">What the buffer was completed with.</exception>
    internal async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        bool open = await _signal.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
        _signal.Reader.TryRead(out _);
        return open;
    }
}
