namespace EbmService.Jobs.Monitoring;

/// <summary>How much there was of something in each interval of the last minutes, from a monotonic clock. Not thread-safe.</summary>
internal sealed class RecentRate(TimeProvider clock, TimeSpan interval, int intervals)
{
    // One more than is shown: the one that is not over.
    private readonly double[] _amounts = new double[intervals + 1];
    private readonly long _start = clock.GetTimestamp();
    private long _current;

    public void Add(double amount) => _amounts[Forward() % _amounts.Length] += amount;

    /// <summary>Per second in each whole interval, oldest first; of those before its making nothing.</summary>
    public double[] PerSecond()
    {
        long current = Forward();
        long first = Math.Max(0, current - intervals);
        var rates = new double[current - first];
        for (int i = 0; i < rates.Length; i++)
            rates[i] = _amounts[(first + i) % _amounts.Length] / interval.TotalSeconds;
        return rates;
    }

    private long Forward()
    {
        long now = clock.GetElapsedTime(_start).Ticks / interval.Ticks;
        if (now - _current >= _amounts.Length)
            Array.Clear(_amounts);
        else
            for (long i = _current + 1; i <= now; i++)
                _amounts[i % _amounts.Length] = 0;
        _current = now;
        return now;
    }
}

/// <summary>The share of the last seconds in which something was busy. Not thread-safe.</summary>
internal sealed class BusyShare(TimeProvider clock)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private const int Intervals = 10;

    private readonly RecentRate _seconds = new(clock, s_interval, Intervals);
    private long? _since;

    public void Begin() => _since = clock.GetTimestamp();

    public void End()
    {
        if (_since is { } since)
            _seconds.Add(clock.GetElapsedTime(since).TotalSeconds);
        _since = null;
    }

    /// <summary>In [0, 1]; of what goes on too, as far as it has come.</summary>
    public double Now()
    {
        if (_since is not null)
        {
            End();
            Begin();
        }
        double[] seconds = _seconds.PerSecond();
        return seconds.Length == 0 ? 0 : Math.Clamp(seconds.Average(), 0, 1);
    }
}
