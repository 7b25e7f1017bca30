using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Slots;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <summary>What health checks and dashboards ask of the worker. Thread-safe.</summary>
public interface IWorkerMonitor
{
    /// <value>True once the slots run and while the device answers.</value>
    bool IsReady { get; }

    /// <value>Jobs waiting for their first block.</value>
    int QueuedJobs { get; }

    int RunningJobs { get; }

    /// <value>Jobs the queue takes before it answers 503.</value>
    int QueueCapacity { get; }
}

/// <inheritdoc cref="IWorkerMonitor"/>
internal sealed class WorkerMonitor(LiveJobs live, SlotBoard board, IOptions<JobLimitsOptions> limits) : IWorkerMonitor
{
    public bool IsReady => board.IsReady;

    public int QueuedJobs => live.Queued;

    public int RunningJobs => live.InOrder.Count(job => !job.IsQueued && !job.IsPaused);

    public int QueueCapacity => limits.Value.MaxQueuedJobs;
}
