using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

/// <summary>Stops jobs at their deadlines, counted from admission: queued, running and paused ones, in this process and the next. Thread-safe.</summary>
internal sealed class DeadlineWatch(LiveJobs live, JobStops stops, TimeProvider clock)
{
    /// <summary>No timer takes more; a longer one is set again.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>The caller holds the gate.</summary>
    public void Watch(LiveJob job)
    {
        if (job.Definition.Spec.DeadlineSeconds is null)
            return;
        job.DeadlineTimer = clock.CreateTimer(_ => Look(job), null, Left(job), Timeout.InfiniteTimeSpan);
    }

    private void Look(LiveJob job)
    {
        lock (live.Gate)
        {
            if (Left(job) > TimeSpan.Zero)
                job.DeadlineTimer?.Change(Left(job), Timeout.InfiniteTimeSpan);
            else
                stops.Decide(job, StopReason.Deadline, step: null);
        }
    }

    private TimeSpan Left(LiveJob job)
    {
        double seconds = job.Definition.Spec.DeadlineSeconds!.Value - (clock.GetUtcNow() - job.Recorded.CreatedAt).TotalSeconds;
        return seconds <= 0 ? TimeSpan.Zero : seconds >= Longest.TotalSeconds ? Longest : TimeSpan.FromSeconds(seconds);
    }
}
