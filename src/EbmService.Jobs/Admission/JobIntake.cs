using EbmService.Jobs.Execution;
using EbmService.Jobs.Progress;

namespace EbmService.Jobs.Admission;

/// <summary>Hands a stored job to the slots, its watchers and its deadline. Thread-safe.</summary>
internal sealed class JobIntake(LiveJobs live, JobBoard board, DeadlineWatch deadlines, JobRecorder recorder, JobEventHub hub)
{
    public void Take(LiveJob job)
    {
        hub.Open(job.Id, job.Epoch);
        lock (live.Gate)
        {
            board.Add(job);
            deadlines.Watch(job);
            // Of a job taken over from a process that died just before the end, nothing else is left.
            recorder.TryEnd(job);
        }
    }
}
