using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>Makes a stored state the one that clients see. Thread-safe.</summary>
internal sealed class JobAnnouncer(LiveJobs live, JobEventHub hub, ILogger<JobAnnouncer> log)
{
    public void Show(LiveJob job, JobSnapshot snapshot)
    {
        lock (live.Gate)
        {
            job.Recorded = snapshot;
            if (snapshot.Status.IsTerminal())
                live.Remove(job);
            hub.Publish(snapshot);
        }
        log.JobChanged(job.Id, snapshot.Status);
    }

    /// <summary>The row is gone or a newer process's: its files and its end are not ours to touch.</summary>
    public void Abandon(LiveJob job)
    {
        lock (live.Gate)
        {
            live.Remove(job);
            hub.Forget(job.Id);
            job.Abandon();
        }
        job.Ended.TrySetCanceled();
        log.JobAbandoned(job.Id);
    }
}
