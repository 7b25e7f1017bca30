using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

/// <summary>What clients may ask of a live job. The caller of every member holds the gate.</summary>
internal sealed class JobControl(
    LiveJobs live, JobBoard board, SlotChoice choice, JobRecorder recorder, JobPauses pauses, StopRuleJudge judge, TimeProvider clock)
{
    /// <summary>Removes fresh blocks at once and stops running ones at their next step.</summary>
    /// <returns>Completes when the cancel is stored: the end itself where nothing has begun.</returns>
    public Task Cancel(LiveJob job)
    {
        board.StopNow(job, StopReason.Cancelled);
        bool closes = job.OpenBlocks > 0 || job.Waiting.Count > 0;
        if (closes)
            recorder.RecordStatus(job, JobStatus.Cancelling);
        Task recorded = job.Tail;
        recorder.TryEnd(job);
        choice.ShowQueue();
        return closes ? recorded : job.Ended.Task;
    }

    /// <summary>Takes the job's blocks off their slots at their next step.</summary>
    /// <returns>Completes when the pause is recorded or void, or the job has ended first; null when the job is ending.</returns>
    public Task? Pause(LiveJob job)
    {
        if (job.IsOver || job.Stop is not null || job.StopDecided)
            return null;
        if (!job.PauseRequested)
        {
            job.PauseRequested = true;
            job.Pausing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            pauses.TryComplete(job);
            choice.ShowQueue();
            board.WakeFor(job);
        }
        return Task.WhenAny(job.Pausing.Task, job.Ended.Task);
    }

    /// <summary>Queues a paused job again; a pause under way is withdrawn.</summary>
    /// <returns>Completes when that is stored.</returns>
    public Task Resume(LiveJob job)
    {
        if (!job.PauseRequested)
            return Task.CompletedTask;
        job.PauseRequested = false;
        job.Pausing.TrySetResult();
        if (job.Paused)
        {
            job.Paused = false;
            job.Begun = false;
            job.AdmittedAt = clock.GetTimestamp();
            live.Return(job);
            recorder.RecordStatus(job, JobStatus.Queued);
        }
        judge.TryJudge(job);
        choice.ShowQueue();
        board.WakeFor(job);
        return job.Tail;
    }
}
