using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

/// <summary>Records a pause once the job's chains are off the slots and on disk. Thread-safe.</summary>
internal sealed class JobPauses(LiveJobs live, JobRecorder recorder, CheckpointWriter checkpoints)
{
    /// <summary>Completes a pause when no block of the job is on a slot any more. The caller holds the gate.</summary>
    public void TryComplete(LiveJob job)
    {
        if (!job.PauseRequested || job.Paused || job.OpenBlocks > 0 || job.IsOver || job.Stop is not null)
            return;
        job.Paused = true;
        TaskCompletionSource done = job.Pausing;
        job.Then(() => RecordAsync(job, done));
    }

    private async Task RecordAsync(LiveJob job, TaskCompletionSource done)
    {
        await checkpoints.FlushAsync(job);
        bool wanted;
        lock (live.Gate)
            wanted = job is { Paused: true, IsOver: false, Stop: null };
        if (wanted)
            await recorder.RecordStatusAsync(job, JobStatus.Paused);
        done.TrySetResult();
    }
}
