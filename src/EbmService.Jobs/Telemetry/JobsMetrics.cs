using System.Diagnostics;
using System.Diagnostics.Metrics;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Telemetry;

/// <summary>Jobs: what waits, what runs, how they ended, and what their chains say then. Thread-safe.</summary>
internal sealed class JobsMetrics
{
    private readonly LiveJobs _live;
    private readonly JobTypeRegistry _types;
    private readonly TenantTag _tenant;
    private readonly Counter<long> _submitted;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _units;
    private readonly Histogram<double> _wait;
    private readonly Histogram<double> _duration;
    private readonly Dictionary<string, Histogram<double>> _statistics = new(StringComparer.Ordinal);

    public JobsMetrics(IMeterFactory meters, LiveJobs live, JobTypeRegistry types, TenantTag tenant)
    {
        (_live, _types, _tenant) = (live, types, tenant);
        Meter meter = meters.Create(JobsTelemetry.MeterName);
        _submitted = meter.CreateCounter<long>("ebm.job.submitted", "{job}", "Jobs taken in.");
        _ended = meter.CreateCounter<long>("ebm.job.ended", "{job}", "Jobs by the status they ended with.");
        _units = meter.CreateCounter<long>("ebm.job.units", "{unit}", "Work done, in the units of each job type: chain steps, rows, ...");
        _wait = meter.Seconds("ebm.job.queue.wait", "From queued to the first quantum.",
            0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400);
        _duration = meter.Seconds("ebm.job.duration", "From taken in to ended, pauses and restarts included.",
            0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400);
        meter.CreateObservableUpDownCounter("ebm.job.queue.length", Waiting, "{job}", "Jobs waiting for their first quantum.");
        meter.CreateObservableUpDownCounter("ebm.job.live", Live, "{job}", "Jobs that have not ended.");
        foreach (MetricHistogram histogram in types.All.SelectMany(type => type.Description.Metrics).Select(metric => metric.AtEnd).OfType<MetricHistogram>())
        {
            if (!_statistics.ContainsKey(histogram.Instrument))
                _statistics[histogram.Instrument] = meter.CreateHistogram(histogram.Instrument, histogram.Unit, histogram.Text,
                    advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = histogram.Bounds });
        }
    }

    public void Submitted(JobSnapshot job)
    {
        TagList tags = [JobsTelemetry.Tag(Tags.JobType, job.Spec.Type)];
        _tenant.AddTo(ref tags, job.Tenant);
        _submitted.Add(1, tags);
    }

    /// <summary>A job has its first quantum since it was queued.</summary>
    public void Began(Job job, TimeSpan wait)
    {
        TagList tags = [JobsTelemetry.Tag(Tags.Priority, job.Recorded.Priority)];
        _tenant.AddTo(ref tags, job.Recorded.Tenant);
        _wait.Record(wait.TotalSeconds, tags);
    }

    /// <summary>Units of work were done.</summary>
    public void Advanced(Job job, long units)
    {
        JobSpec spec = job.Definition.Spec;
        TagList tags = [JobsTelemetry.Tag(Tags.JobType, spec.Type), JobsTelemetry.Tag(Tags.Unit, _types.UnitOf(spec))];
        _tenant.AddTo(ref tags, job.Recorded.Tenant);
        _units.Add(units, tags);
    }

    public void Ended(JobSnapshot job)
    {
        TagList tags = [JobsTelemetry.Tag(Tags.JobType, job.Spec.Type), JobsTelemetry.Tag(Tags.Status, Tags.Word(job.Status))];
        if (job.Error is { } error)
            tags.Add(Tags.ErrorType, Tags.Word(error.Code));
        _duration.Record(((job.FinishedAt ?? job.CreatedAt) - job.CreatedAt).TotalSeconds, tags);
        _tenant.AddTo(ref tags, job.Tenant);
        _ended.Add(1, tags);
        if (_types.Find(job.Spec.Type) is not { } type || job.Status == JobStatus.Failed)
            return;
        foreach (MetricDescription metric in type.Description.Metrics)
        {
            if (metric.AtEnd is { } histogram && job.Progress.Metric(metric.Name) is { } value)
                _statistics[histogram.Instrument].Record(value,
                    JobsTelemetry.Tag(Tags.Model, job.Model.Name), JobsTelemetry.Tag(Tags.Statistic, metric.Name));
        }
    }

    /// <summary>Of every priority: one without jobs is 0, not absent.</summary>
    private IEnumerable<Measurement<int>> Waiting()
    {
        Dictionary<int, int> waiting = _live.InOrder.Where(job => job.IsQueued).CountBy(job => job.Recorded.Priority).ToDictionary();
        return Enumerable.Range(JobPriority.Lowest, JobPriority.Highest - JobPriority.Lowest + 1)
            .Select(priority => new Measurement<int>(waiting.GetValueOrDefault(priority), JobsTelemetry.Tag(Tags.Priority, priority)));
    }

    private IEnumerable<Measurement<int>> Live()
    {
        Dictionary<(string, JobStatus), int> live =
            _live.InOrder.CountBy(job => (job.Definition.Spec.Type, job.Recorded.Status)).ToDictionary();
        return from type in _types.All
               from status in Enum.GetValues<JobStatus>()
               where !status.IsTerminal()
               let name = type.Description.Name
               select new Measurement<int>(live.GetValueOrDefault((name, status)),
                   JobsTelemetry.Tag(Tags.JobType, name), JobsTelemetry.Tag(Tags.Status, Tags.Word(status)));
    }
}
