using System.Diagnostics.Metrics;
using EbmService.Jobs.Monitoring;

namespace EbmService.Jobs.Telemetry;

/// <summary>What a slot's thread does.</summary>
internal enum SlotActivity
{
    /// <summary>Its device isn't bound: models warm up, or it was lost.</summary>
    Unavailable,

    /// <summary>It waits for work.</summary>
    Idle,

    /// <summary>Blocks of jobs, and all that belongs to them: choosing, opening, saving.</summary>
    Job,

    /// <summary>Short queries.</summary>
    Query,
}

/// <summary>How the slots spend their time. Thread-safe.</summary>
internal sealed class SlotMetrics
{
    private static readonly SlotActivity[] Activities = Enum.GetValues<SlotActivity>();

    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private readonly Histogram<double> _quantum;
    private volatile SlotTime[] _slots = [];

    public SlotMetrics(IMeterFactory meters, TimeProvider clock)
    {
        _clock = clock;
        Meter meter = meters.Create(JobsTelemetry.MeterName);
        _quantum = meter.Seconds("ebm.job.quantum.duration", "A turn of a block on a slot, queries answered within it left out.",
            0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5);
        meter.CreateObservableCounter("ebm.slot.time", Times, "s", "Time of all slots by what they did.");
        meter.CreateObservableUpDownCounter("ebm.slot.active", Count, "{slot}", "Slots by what they do now.");
    }

    public SlotTime AddSlot()
    {
        var slot = new SlotTime(_clock);
        lock (_lock)
            _slots = [.. _slots, slot];
        return slot;
    }

    public void Quantum(string type, TimeSpan took) => _quantum.Record(took.TotalSeconds, JobsTelemetry.Tag(Tags.JobType, type));

    private IEnumerable<Measurement<double>> Times()
    {
        SlotTime[] slots = _slots;
        return Activities.Select(activity => new Measurement<double>(
            slots.Sum(slot => slot.SecondsOf(activity)), JobsTelemetry.Tag(Tags.Activity, Tags.Word(activity))));
    }

    private IEnumerable<Measurement<int>> Count()
    {
        SlotTime[] slots = _slots;
        return Activities.Select(activity => new Measurement<int>(
            slots.Count(slot => slot.Now == activity), JobsTelemetry.Tag(Tags.Activity, Tags.Word(activity))));
    }
}

/// <summary>One slot's time by what it did. Switched by its thread, read by any.</summary>
internal sealed class SlotTime(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly long[] _ticks = new long[Enum.GetValues<SlotActivity>().Length];
    private readonly BusyShare _busy = new(clock);
    private long _since = clock.GetTimestamp();

    public SlotActivity Now { get; private set; } = SlotActivity.Unavailable;

    /// <returns>What it did before.</returns>
    public SlotActivity Switch(SlotActivity next)
    {
        lock (_lock)
        {
            long now = clock.GetTimestamp();
            SlotActivity before = Now;
            _ticks[(int)before] += now - _since;
            (Now, _since) = (next, now);
            if (IsBusy(next) && !IsBusy(before))
                _busy.Begin();
            else if (!IsBusy(next))
                _busy.End();
            return before;
        }
    }

    /// <summary>The share of the last seconds in which it had work, in [0, 1].</summary>
    public double RecentlyBusy()
    {
        lock (_lock)
            return _busy.Now();
    }

    /// <summary>What it is at now counts too.</summary>
    public double SecondsOf(SlotActivity activity)
    {
        lock (_lock)
        {
            long ticks = _ticks[(int)activity] + (activity == Now ? clock.GetTimestamp() - _since : 0);
            return (double)ticks / clock.TimestampFrequency;
        }
    }

    private static bool IsBusy(SlotActivity activity) => activity is SlotActivity.Job or SlotActivity.Query;
}
