using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Slots;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <inheritdoc cref="IWorkerMonitor"/>
internal sealed class WorkerMonitor(LiveJobs live, SlotBoard board, IOptions<JobLimitsOptions> limits) : IWorkerMonitor
{
    public bool IsReady => board.IsReady;

    public int QueuedJobs => live.Queued;

    public int RunningJobs => live.InOrder.Count(job => !job.IsQueued && !job.IsPaused);

    public int QueueCapacity => limits.Value.MaxQueuedJobs;
}
