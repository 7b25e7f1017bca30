using System.Diagnostics.Metrics;

namespace EbmService.Jobs.Telemetry;

/// <summary>What is written of jobs.</summary>
internal enum StorageKind
{
    /// <summary>The state of a running block.</summary>
    Checkpoint,

    /// <summary>What finished blocks left, many at once.</summary>
    Blocks,

    /// <summary>A job's result files: made and written.</summary>
    Results,

    /// <summary>A transaction of the jobs database.</summary>
    Database,
}

/// <summary>How long writing takes. Thread-safe.</summary>
internal sealed class StorageMetrics(IMeterFactory meters, TimeProvider clock)
{
    private readonly Histogram<double> _duration = meters.Create(JobsTelemetry.MeterName).Seconds("ebm.storage.write.duration",
        "Time of one write, until it is on the disk.", 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30);

    private readonly Counter<long> _bytes =
        meters.Create(JobsTelemetry.MeterName).CreateCounter<long>("ebm.storage.written", "By", "Bytes written of jobs' files.");

    /// <param name="started">In the clock's ticks.</param>
    public void Written(StorageKind kind, long started, long bytes = 0, Exception? failure = null)
    {
        KeyValuePair<string, object?> tag = JobsTelemetry.Tag(Tags.Storage, Tags.Word(kind));
        double seconds = clock.GetElapsedTime(started).TotalSeconds;
        if (failure is not null)
            _duration.Record(seconds, tag, JobsTelemetry.Tag(Tags.ErrorType, failure.GetType().Name));
        else
            _duration.Record(seconds, tag);
        if (bytes > 0)
            _bytes.Add(bytes, tag);
    }
}
