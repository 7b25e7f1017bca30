using System.Diagnostics.Metrics;
using EbmService.Jobs.Retention;

namespace EbmService.Jobs.Telemetry;

/// <summary>What jobs that have ended take of the disk, and what was deleted of them; nothing where nothing is ever deleted. Thread-safe.</summary>
internal sealed class RetentionMetrics
{
    private readonly long[] _swept = new long[Enum.GetValues<SweepReason>().Length];
    private long _kept;
    private long _sweepable;

    public RetentionMetrics(IMeterFactory meters, RetentionPolicy policy)
    {
        if (!policy.IsOn)
            return;
        Meter meter = meters.Create(JobsTelemetry.MeterName);
        meter.CreateObservableUpDownCounter("ebm.storage.usage", Usage, "By", "Bytes of jobs that have ended, by whether they are kept, at the last sweep.");
        meter.CreateObservableCounter("ebm.job.swept", Swept, "{job}", "Jobs deleted by the retention settings.");
        if (policy.MaxBytes is { } limit)
            meter.CreateObservableGauge("ebm.storage.limit", () => limit, "By", "Storage:MaxBytes.");
    }

    public void Measured(IReadOnlyCollection<RetainedJob> jobs)
    {
        Volatile.Write(ref _kept, jobs.Where(job => job.Keep).Sum(job => job.Bytes));
        Volatile.Write(ref _sweepable, jobs.Where(job => !job.Keep).Sum(job => job.Bytes));
    }

    public void Swept(SweepReason reason) => Interlocked.Increment(ref _swept[(int)reason]);

    private IEnumerable<Measurement<long>> Usage() =>
    [
        new(Volatile.Read(ref _kept), JobsTelemetry.Tag("ebm.job.keep", true)), new(Volatile.Read(ref _sweepable), JobsTelemetry.Tag("ebm.job.keep", false)),
    ];

    private IEnumerable<Measurement<long>> Swept() => Enum.GetValues<SweepReason>().Select(reason =>
        new Measurement<long>(Volatile.Read(ref _swept[(int)reason]), JobsTelemetry.Tag("ebm.sweep.reason", Tags.Word(reason))));
}
