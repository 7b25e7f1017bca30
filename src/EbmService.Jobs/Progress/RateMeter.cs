namespace EbmService.Jobs.Progress;

/// <summary>A rate over the last seconds, from a monotonic clock. Not thread-safe.</summary>
internal sealed class RateMeter(TimeProvider clock)
{
    private const int Window = 5;

    private readonly long _start = clock.GetTimestamp();
    private readonly long[] _amounts = new long[Window];
    private long _second;

    public void Add(long amount)
    {
        double now = Forward();
        _amounts[(long)now % Window] += amount;
    }

    /// <summary>Units per second, or null before there is time to speak of.</summary>
    public double? PerSecond()
    {
        double now = Forward();
        double covered = Math.Min(now, Window - 1 + (now - Math.Floor(now)));
        long sum = _amounts.Sum();
        return covered < 0.05 || sum == 0 ? null : sum / covered;
    }

    /// <summary>Clears the buckets of the seconds that passed since the last call; returns seconds since the start.</summary>
    private double Forward()
    {
        double now = clock.GetElapsedTime(_start).TotalSeconds;
        for (long passed = Math.Min((long)now - _second, Window); passed > 0; passed--)
            _amounts[((long)now - passed + 1) % Window] = 0;
        _second = (long)now;
        return now;
    }
}
