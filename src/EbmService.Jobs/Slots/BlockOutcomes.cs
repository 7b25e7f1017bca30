using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Slots;

/// <summary>Tells a job what came of a slot's task, and watchers what there is to tell of it. Thread-safe.</summary>
internal sealed class BlockOutcomes(
    LiveJobs live, SlotBoard board, CheckpointWriter checkpoints, LiveDiagnostics diagnostics, JobModels models,
    JobEventHub hub, JobsMetrics metrics, SlotMetrics slots, ILogger<BlockOutcomes> log)
{
    /// <param name="slotTime">How long the slot was busy with it, opening, saving and finishing the block included.</param>
    public void Advanced(SlotState slot, IBlock block, QuantumOutcome outcome, TimeSpan slotTime)
    {
        Job job = block.Job;
        int before = block.Step;
        long amount = job.Advance(block, outcome.Report);
        live.Charge(job, slotTime, amount);
        metrics.Advanced(job, amount);
        slots.Quantum(job.Definition.Spec.Type, slotTime);
        job.Trace?.Quantum(block, slotTime, outcome.Report.Step - before, isLast: outcome.Result is not null);
        diagnostics.Answered(block);
        Announce(job, outcome.Report, isLast: outcome.Result is not null);
        if (outcome.Result is not null)
        {
            Closed(slot, block, outcome.Result, outcome.Saved?.Content);
            return;
        }
        if (outcome.Saved is { } saved)
            job.Save(block, saved.Content, checkpoints.IntervalAfter(saved.Took));
        if (outcome.WantedStatistics)
            job.Arrive(block);
    }

    /// <summary>A block is done or ended early; its result is kept where there is one.</summary>
    /// <param name="checkpoint">Its last checkpoint, where the job may be extended.</param>
    public void Closed(SlotState slot, IBlock block, byte[]? result, byte[]? checkpoint)
    {
        board.Leave(slot, block);
        block.Job.Finish(block, result, checkpoint);
    }

    public void Parked(SlotState slot, IBlock block, SavedCheckpoint saved)
    {
        bool write = checkpoints.IsDue(block) || live.Stopping;
        board.Leave(slot, block);
        block.Job.Park(block, saved.Content, checkpoints.IntervalAfter(saved.Took), write);
    }

    /// <summary>The slot's open blocks that the next process is to go on with.</summary>
    public IBlock[] ToSave(SlotState slot) => [.. board.OpenOn(slot).Where(block => !block.Job.IsOver)];

    /// <summary>The block's work threw; one whose model is away waits for it.</summary>
    public void Failed(SlotState slot, IBlock block, Exception exception)
    {
        board.Leave(slot, block);
        Failure failure = JobRecorder.FailureOf(exception);
        if (JobModels.IsOfModel(failure) && models.WhyMissing(block.Job.Definition) is { } missing)
        {
            JobChange change = block.Job.AwaitModel(block, missing, models.Patience);
            if (change == JobChange.Already)
                _ = RetryModelAsync(block.Job);
            if (change == JobChange.Made)
                log.JobFailed(exception, block.Job.Id, missing.Code, missing.Message);
            if (change != JobChange.Refused)
                return;
        }
        if (block.Job.FailBlock(block, failure) == JobChange.Made)
            log.JobFailed(exception, block.Job.Id, failure.Code, failure.Message);
        else
            log.CancelledBlockFailed(exception, block.Job.Id, block.Plan.Index);
    }

    /// <summary>The slot's open blocks go back to the queue; a job that keeps losing devices fails.</summary>
    public void DeviceLost(SlotState slot)
    {
        foreach (IBlock block in board.OpenOn(slot))
        {
            board.Leave(slot, block);
            if (block.Job.Lose(block) == JobChange.Refused && block.Job.Failure is { } failure)
                log.JobFailed(null, block.Job.Id, failure.Code, failure.Message);
        }
    }

    private async Task RetryModelAsync(Job job)
    {
        log.ModelAwaited(job.Id, job.Model.ToString(), models.Patience);
        bool goesOn = true;
        try
        {
            goesOn = await models.LookAgainAsync(job.Definition);
        }
        finally
        {
            if (goesOn)
                job.RetryModel();
        }
    }

    private void Announce(Job job, StepReport report, bool isLast)
    {
        JobNews news = job.NewsOf(report, isLast, SlotBoard.ProgressInterval);
        if (news.Preview is { } preview)
            hub.Publish(job.Id, preview);
        if (news.IsProgressDue)
            hub.Publish(job.Id, live.Snapshot(job).Progress);
    }
}
