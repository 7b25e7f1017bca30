using System.Diagnostics.Metrics;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;

namespace EbmService.Jobs;

/// <summary>The meter <c>EbmService.Jobs</c>.</summary>
internal sealed class JobsMetrics
{
    public const string MeterName = "EbmService.Jobs";

    private readonly LiveJobs _live;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _units;
    private readonly Counter<long> _queries;
    private readonly Histogram<double> _queueSeconds;
    private readonly Histogram<long> _batchRows;

    public JobsMetrics(IMeterFactory meters, LiveJobs live)
    {
        _live = live;
        Meter meter = meters.Create(MeterName);
        _ended = meter.CreateCounter<long>("ebm.jobs.ended", "{job}", "Jobs by the status they ended with.");
        _units = meter.CreateCounter<long>("ebm.job.units", "{unit}", "Units of work done, by job type.");
        _queries = meter.CreateCounter<long>("ebm.queries", "{query}", "Short queries answered, by outcome.");
        _queueSeconds = meter.CreateHistogram<double>("ebm.jobs.queue.duration", "s", "From admission to the first block.");
        _batchRows = meter.CreateHistogram<long>("ebm.queries.batch.rows", "{row}", "Inputs evaluated at one boundary.");
        meter.CreateObservableGauge("ebm.jobs.queue.length", QueueLength, "{job}", "Jobs waiting for their first block.");
        meter.CreateObservableGauge("ebm.jobs.live", ByStatus, "{job}", "Jobs that have not ended, by status.");
    }

    public void JobBegan(double seconds) => _queueSeconds.Record(seconds);

    public void JobEnded(JobStatus status) => _ended.Add(1, Tag(status));

    /// <summary>Units of work of a job type were done.</summary>
    public void Advanced(string type, long units) => _units.Add(units, new KeyValuePair<string, object?>("type", type));

    public void Answered(long rows) => _batchRows.Record(rows);

    public void QueryEnded(bool succeeded) =>
        _queries.Add(1, new KeyValuePair<string, object?>("outcome", succeeded ? "answered" : "failed"));

    private static KeyValuePair<string, object?> Tag(JobStatus status) => new("status", status.ToString().ToLowerInvariant());

    private int QueueLength() => _live.Queued;

    private List<Measurement<int>> ByStatus() =>
        [.. _live.InOrder.CountBy(job => job.Recorded.Status).Select(pair => new Measurement<int>(pair.Value, Tag(pair.Key)))];
}
