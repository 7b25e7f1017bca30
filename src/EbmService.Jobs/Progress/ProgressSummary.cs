using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;

namespace EbmService.Jobs.Progress;

/// <summary>A job's progress from the latest reports of its blocks.</summary>
internal sealed class ProgressSummary(IJobStatistician statistician)
{
    /// <param name="job">The job; in a state that does not change meanwhile.</param>
    /// <param name="queuePosition">Null once running.</param>
    public JobProgress Of(Job job, int? queuePosition)
    {
        JobSpec spec = job.Definition.Spec;
        long done = 0, total = 0;
        var reports = new List<(BlockPlan, StepReport)>(job.Blocks.Count);
        foreach (IBlock block in job.Blocks)
        {
            done += statistician.UnitsAt(spec, block.Plan, block.Step);
            total += statistician.UnitsAt(spec, block.Plan, block.Plan.Steps);
            if (block.Report is { } report)
                reports.Add((block.Plan, report));
        }
        // Measured in items times steps, which a type may count otherwise.
        double? rate = job.UnitsPerSecond * total / Math.Max(1, job.Units);
        return new JobProgress
        {
            Fraction = total == 0 ? 1 : (double)done / total,
            Done = done,
            Total = total,
            Unit = statistician.UnitOf(spec),
            RatePerSecond = rate,
            EtaSeconds = rate > 0 ? (total - done) / rate : null,
            QueuePosition = queuePosition,
            Metrics = statistician.Merge(job.Definition, reports, job.Statistics),
        };
    }
}

/// <summary>A rate over the last seconds in which there was work, from a monotonic clock. Not thread-safe.</summary>
internal sealed class RateMeter(TimeProvider clock)
{
    private const int Window = 5;

    private readonly long[] _amounts = new long[Window];
    private long _start = clock.GetTimestamp();
    private long _second;
    private (bool Stopped, double? Rate) _last;

    /// <summary>Work begins, or goes on: where there was none for as long as the rate looks back, that time does not count.</summary>
    public void Resume()
    {
        _last = default;
        Forward();
        if (_amounts.Sum() == 0)
            (_start, _second) = (clock.GetTimestamp(), 0);
    }

    /// <summary>The work is done: the rate stays what it is.</summary>
    public void Stop() => _last = (true, PerSecond());

    public void Add(long amount)
    {
        double now = Forward();
        _amounts[(long)now % Window] += amount;
    }

    /// <summary>Units per second, or null before there is time to speak of.</summary>
    public double? PerSecond()
    {
        if (_last.Stopped)
            return _last.Rate;
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
