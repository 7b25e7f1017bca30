using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Slots;

namespace EbmService.Jobs.Admission;

/// <summary>Hands a stored job to the slots, its watchers and its deadline. Thread-safe.</summary>
internal sealed class JobIntake(SlotBoard board, JobStops stops, JobEventHub hub)
{
    public void Take(Job job)
    {
        hub.Open(job.Id, job.Epoch);
        board.Add(job);
        stops.WatchDeadline(job);
        job.EndIfDone();
    }
}
