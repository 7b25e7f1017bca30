using EbmService.Core.Jobs;
using EbmService.Jobs.Recording;

namespace EbmService.Jobs.Lifecycle;

/// <summary>
/// What stops a job's blocks before their last step. The rules are judged once all blocks are at one step, off the slots'
/// threads: the verdict depends on the blocks' statistics at that step alone, so it is the same on any number of slots and after any
/// restart. Deadlines are counted from admission, for queued, running and paused jobs, in this process and the next. Thread-safe.
/// </summary>
internal sealed class JobStops(IJobStatistician statistician, JobRecorder recorder, TimeProvider clock)
{
    /// <summary>No timer takes more; a longer one is set again.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>Judges on another thread.</summary>
    public void Judge(Job job, int step, BlockStatistics[] series) => _ = Task.Run(() =>
    {
        try
        {
            job.Judged(step, statistician.Compute(job.Definition, series, live: false));
        }
        catch (Exception e)
        {
            recorder.Fail(job, JobRecorder.FailureOf(e), e);
        }
    });

    /// <summary>Stops the job when its deadline passes, if it has one.</summary>
    public void WatchDeadline(Job job)
    {
        if (job.Definition.Spec.DeadlineSeconds is null)
            return;
        ITimer? timer = null;
        timer = clock.CreateTimer(_ => Look(job, timer), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(TimeLeft(job), Timeout.InfiniteTimeSpan);
        _ = job.Ended.ContinueWith(_ => timer.Dispose(), TaskScheduler.Default);
    }

    private void Look(Job job, ITimer? timer)
    {
        if (TimeLeft(job) is { Ticks: > 0 } left)
            timer?.Change(left, Timeout.InfiniteTimeSpan);
        else
            job.DecideStop(StopReason.Deadline, step: null);
    }

    private TimeSpan TimeLeft(Job job)
    {
        double seconds = job.Definition.Spec.DeadlineSeconds!.Value - (clock.GetUtcNow() - job.Recorded.CreatedAt).TotalSeconds;
        return seconds <= 0 ? TimeSpan.Zero : seconds >= Longest.TotalSeconds ? Longest : TimeSpan.FromSeconds(seconds);
    }
}
