using EbmService.Jobs.Execution;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <inheritdoc cref="IWorkerMonitor"/>
internal sealed class WorkerMonitor(LiveJobs live, JobBoard board, IOptions<JobLimitsOptions> limits) : IWorkerMonitor
{
    public bool IsReady => board.IsReady;

    public int QueuedJobs
    {
        get
        {
            lock (live.Gate)
                return live.Queued;
        }
    }

    public int RunningJobs
    {
        get
        {
            lock (live.Gate)
                return live.InOrder.Count - live.Queued - live.Paused;
        }
    }

    public int QueueCapacity => limits.Value.MaxQueuedJobs;
}
