namespace EbmService.Jobs.Retention;

/// <summary>Keeps a job whose files are being copied for another from being swept meanwhile. Thread-safe.</summary>
internal sealed class JobPins
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _pinned = new(StringComparer.Ordinal);
    private readonly HashSet<string> _leaving = new(StringComparer.Ordinal);

    /// <summary>Keeps the job until the result is disposed; null where it is just being deleted.</summary>
    public IDisposable? TryPin(string id)
    {
        lock (_lock)
        {
            if (_leaving.Contains(id))
                return null;
            _pinned[id] = _pinned.GetValueOrDefault(id) + 1;
            return new Pin(this, id);
        }
    }

    /// <summary>Takes a job for deletion until <see cref="Left"/>; false where it is pinned.</summary>
    public bool TryLeave(string id)
    {
        lock (_lock)
            return !_pinned.ContainsKey(id) && _leaving.Add(id);
    }

    public void Left(string id)
    {
        lock (_lock)
            _leaving.Remove(id);
    }

    private void Unpin(string id)
    {
        lock (_lock)
        {
            if (--_pinned[id] == 0)
                _pinned.Remove(id);
        }
    }

    private sealed class Pin(JobPins owner, string id) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
                owner.Unpin(id);
        }
    }
}
