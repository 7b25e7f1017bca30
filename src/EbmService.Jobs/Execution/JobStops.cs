using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>
/// Stops a job's chains before their last step because a rule or the deadline says so: first stored, then done, so that a process that takes
/// the job over in between stops them at the same step.
/// </summary>
internal sealed class JobStops(
    LiveJobs live, JobBoard board, JobStore store, JobRecorder recorder, JobAnnouncer announcer, ILogger<JobStops> log)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private static readonly Failure TooLate = new(FailureCode.DeadlineExceeded,
        "The job's deadline passed before any of its chains had a step.",
        "Submit it again with a later deadline or a higher priority, or when the service is less busy.");

    /// <summary>The first decision counts. The caller holds the gate.</summary>
    /// <param name="step">Where all blocks end; null to end each where it is.</param>
    public void Decide(LiveJob job, StopReason reason, int? step)
    {
        if (job.StopDecided || job.IsOver || job.Stop is not null)
            return;
        job.StopDecided = true;
        job.Then(() => StopAsync(job, reason, step));
    }

    private async Task StopAsync(LiveJob job, StopReason reason, int? step)
    {
        if (!await StoreAsync(job, reason, step))
            return;
        bool ranAtAll;
        lock (live.Gate)
        {
            // A cancel that came meanwhile has the last word.
            if (job.IsOver || job.Stop is not null)
                return;
            // An open block is in its first quantum at least, whose steps are not reported yet.
            ranAtAll = job.Blocks.Any(block => block.State is BlockState.Done or BlockState.Open || block.Step > block.StartStep);
            if (step is not null)
                job.StopAt(reason, step.Value);
            else if (ranAtAll)
                job.StopHere(reason);
            board.WakeFor(job);
            recorder.TryEnd(job);
        }
        if (step is null && !ranAtAll)
            recorder.Fail(job, TooLate, null);
    }

    private async Task<bool> StoreAsync(LiveJob job, StopReason reason, int? step)
    {
        while (true)
        {
            try
            {
                if (await store.DecideStopAsync(job.Id, job.Epoch, reason, step))
                    return true;
                announcer.Abandon(job);
                return false;
            }
            catch (Exception e)
            {
                log.StopNotStored(e, job.Id, reason);
            }
            if (live.Stopping)
                return false;
            await live.PauseAsync(Retry);
        }
    }
}
