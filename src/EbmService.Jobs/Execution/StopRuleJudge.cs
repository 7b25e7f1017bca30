using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

/// <summary>
/// Judges a job's stop rules once all its blocks are at one step, off the slots' threads. The verdict depends on the blocks' draws at that
/// step alone, so it is the same on any number of slots and after any restart.
/// </summary>
internal sealed class StopRuleJudge(LiveJobs live, IJobDiagnostician diagnostician, JobStops stops, JobRecorder recorder)
{
    /// <summary>A block has come to the barrier and given its draws. The caller holds the gate.</summary>
    public void Arrive(LiveBlock block)
    {
        block.AtBarrier = true;
        TryJudge(block.Job);
    }

    /// <summary>Judges when every block is there; a paused job is judged when it is resumed. The caller holds the gate.</summary>
    public void TryJudge(LiveJob job)
    {
        if (job.Barrier is not { IsJudging: false } barrier || !job.IsRunnable || job.StopDecided || job.Stop is not null
            || !job.Blocks.Any(block => block.AtBarrier) || job.Blocks.Any(block => !block.AtBarrier && block.State != BlockState.Done))
            return;
        barrier.IsJudging = true;
        BlockSeries[] series = job.SeriesOf(job.Blocks);
        int step = barrier.Next;
        _ = Task.Run(() => Judge(job, step, series));
    }

    private void Judge(LiveJob job, int step, BlockSeries[] series)
    {
        try
        {
            JobDiagnostics diagnostics = diagnostician.Compute(job.Definition, series, live: false);
            Enter(job, step, diagnostics, diagnostician.Judge(job.Definition, diagnostics));
        }
        catch (Exception e)
        {
            recorder.Fail(job, JobRecorder.FailureOf(e), e);
        }
    }

    private void Enter(LiveJob job, int step, JobDiagnostics diagnostics, StopReason? verdict)
    {
        lock (live.Gate)
        {
            job.Barrier!.IsJudging = false;
            if (!job.IsRunnable || job.StopDecided || job.Stop is not null)
                return;
            job.Diagnostics = diagnostics;
            if (verdict is { } reason)
            {
                stops.Decide(job, reason, step);
                return;
            }
            job.Barrier.Lift();
            job.LeaveBarrier();
            Monitor.PulseAll(live.Gate);
        }
    }
}
