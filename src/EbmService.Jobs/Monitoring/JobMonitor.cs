using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;

namespace EbmService.Jobs.Monitoring;

/// <summary>What running jobs let be seen beside their progress. Thread-safe.</summary>
public interface IJobMonitor
{
    /// <summary>How the chains went so far; without points where the job has not told yet, null where it does not run or its type has none.</summary>
    JobTraceResponse? TraceOf(string id);

    /// <summary>The latest preview that has numbers; null where there is none.</summary>
    JobPreviewResponse? PreviewOf(string id);
}

/// <inheritdoc cref="IJobMonitor"/>
internal sealed class JobMonitor(LiveJobs live, JobEventHub hub, IJobStatistician statistician) : IJobMonitor
{
    public JobTraceResponse? TraceOf(string id) =>
        live.Find(id) is { IsQueued: false } job ? statistician.Trace(job.Definition, job.Series()) : null;

    public JobPreviewResponse? PreviewOf(string id) =>
        hub.PreviewOf(id) is { Rows: { } rows } preview ? new JobPreviewResponse(preview.Step, rows) : null;
}
