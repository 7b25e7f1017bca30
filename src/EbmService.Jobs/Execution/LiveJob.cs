using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Execution;

/// <summary>
/// A job from admission to its end. Two layers: what is decided (flags, blocks), which steers the slots, and what is
/// recorded (the snapshot), which clients see; the recorder carries the one to the other in order. Guarded by the gate.
/// </summary>
internal sealed class LiveJob
{
    private readonly RateMeter _rate;
    private Task _tail = Task.CompletedTask;

    public LiveJob(JobSnapshot recorded, JobPlan plan, int epoch, TimeProvider clock)
    {
        Recorded = recorded;
        Definition = new JobDefinition(recorded.Id, recorded.Model, recorded.Spec);
        Model = recorded.Model.Key();
        Epoch = epoch;
        Attempt = recorded.Attempt;
        ChainSteps = plan.ChainSteps;
        Blocks = [.. plan.Blocks.Select(block => new LiveBlock(this, block))];
        Waiting = new LinkedList<LiveBlock>(Blocks);
        AdmittedAt = clock.GetTimestamp();
        _rate = new RateMeter(clock);
    }

    public string Id => Definition.Id;

    public JobDefinition Definition { get; }

    public int Epoch { get; }

    public long ChainSteps { get; }

    public long AdmittedAt { get; }

    public IReadOnlyList<LiveBlock> Blocks { get; }

    /// <value>Blocks to open next: parked ones before fresh ones.</value>
    public LinkedList<LiveBlock> Waiting { get; }

    public JobSnapshot Recorded { get; set; }

    /// <value>Its standing with the scheduler; set when it joins the live jobs.</value>
    public JobShare? Share { get; set; }

    public ModelKey Model { get; }

    public int Attempt { get; set; }

    public int DeviceLosses { get; set; }

    public bool Begun { get; set; }

    public bool CancelRequested { get; set; }

    public Failure? Failure { get; set; }

    /// <value>The end is on its way and can't be changed any more.</value>
    public bool Ending { get; private set; }

    public int OpenBlocks { get; set; }

    public int DoneBlocks { get; set; }

    public long DoneChainSteps { get; private set; }

    public long? LastProgressAt { get; set; }

    public long? LastPreviewAt { get; set; }

    /// <value>The newest preview not shown yet.</value>
    public PreviewFrame? Preview { get; set; }

    public TaskCompletionSource<JobSnapshot> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsQueued => !Begun && !Ending;

    public bool IsRunnable => !CancelRequested && Failure is null && !Ending;

    public JobRank Rank(in RankingView view) => JobRank.Of(Share!, ChainSteps - DoneChainSteps, Blocks.Count - DoneBlocks, view);

    public double? ChainStepsPerSecond => _rate.PerSecond();

    public Task Tail => _tail;

    /// <summary>Runs a step of recording after those before it, on the thread pool; its errors are its own business.</summary>
    public Task Then(Func<Task> step) => _tail = RunAfterAsync(_tail, step);

    public void Advance(LiveBlock block, StepReport report)
    {
        long amount = (long)(report.Step - block.Step) * block.Plan.Chains;
        block.Step = report.Step;
        block.Report = report;
        DoneChainSteps += amount;
        Share!.Charge(amount);
        _rate.Add(amount);
    }

    /// <summary>Puts a block that lost its workload back to its last checkpoint, or to the start.</summary>
    public void Rewind(LiveBlock block)
    {
        DoneChainSteps -= (long)(block.Step - block.CheckpointStep) * block.Plan.Chains;
        block.Step = block.CheckpointStep;
        block.Report = null;
    }

    /// <summary>True once, when the job has nothing left to compute: all done, failed, or stopped on request.</summary>
    public bool TryEnd()
    {
        bool stopped = CancelRequested && OpenBlocks == 0 && Waiting.Count == 0;
        if (Ending || !(stopped || Failure is not null || DoneBlocks == Blocks.Count))
            return false;
        return Ending = true;
    }

    private static async Task RunAfterAsync(Task before, Func<Task> step)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await step();
    }
}
