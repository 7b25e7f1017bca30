using EbmService.Core.Diagnostics;
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

    public LiveJob(JobSnapshot recorded, JobPlan plan, int epoch, TimeProvider clock, IReadOnlyList<int>? startSteps = null)
    {
        Recorded = recorded;
        Definition = new JobDefinition(recorded.Id, recorded.Model, recorded.Spec);
        Model = recorded.Model.Key();
        Epoch = epoch;
        Attempt = recorded.Attempt;
        ChainSteps = plan.ChainSteps;
        KeepsChains = recorded.Spec.Extended(0) is not null;
        Barrier = recorded.Spec.CheckEvery is { } every ? new StopBarrier(every, plan.Blocks.Max(block => block.Steps)) : null;
        Blocks = [.. plan.Blocks.Select((block, i) => new LiveBlock(this, block) { StartStep = startSteps?[i] ?? 0 })];
        Waiting = new LinkedList<LiveBlock>(Blocks);
        AdmittedAt = clock.GetTimestamp();
        _rate = new RateMeter(clock);
    }

    public string Id => Definition.Id;

    public JobDefinition Definition { get; }

    public int Epoch { get; }

    public long ChainSteps { get; }

    /// <value>The last checkpoints stay with the results, so that the job can be extended.</value>
    public bool KeepsChains { get; }

    /// <value>When it was last queued.</value>
    public long AdmittedAt { get; set; }

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

    /// <value>Why the chains are to stop before their last step.</value>
    public StopReason? Stop { get; set; }

    /// <value>The step at which a stop rule ends every block; null for the other reasons, which end them where they are.</value>
    public int? StopStep { get; set; }

    public bool CancelRequested => Stop is StopReason.Cancelled;

    /// <value>Blocks are to be closed wherever they are.</value>
    public bool StopsNow => Stop is not null && StopStep is null;

    /// <value>The step that no block passes.</value>
    public int StepLimit => StopStep ?? Barrier?.Next ?? int.MaxValue;

    /// <value>A stop is being stored and will be in force then.</value>
    public bool StopDecided { get; set; }

    /// <value>Present where stop rules are judged on the way.</value>
    public StopBarrier? Barrier { get; }

    public ITimer? DeadlineTimer { get; set; }

    public DiagnosticsRound Round { get; } = new();

    /// <value>The latest figures over the job's chains.</value>
    public JobDiagnostics? Diagnostics { get; set; }

    public bool PauseRequested { get; set; }

    /// <value>The pause is recorded, or about to be.</value>
    public bool Paused { get; set; }

    /// <value>Completes when the latest pause is recorded or withdrawn.</value>
    public TaskCompletionSource Pausing { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Failure? Failure { get; set; }

    /// <value>The end is on its way and can't be changed any more.</value>
    public bool Ending { get; set; }

    public int OpenBlocks { get; set; }

    public int DoneBlocks { get; set; }

    public long DoneChainSteps { get; private set; }

    public long? LastProgressAt { get; set; }

    public long? LastPreviewAt { get; set; }

    /// <value>The newest preview not shown yet.</value>
    public PreviewFrame? Preview { get; set; }

    public TaskCompletionSource<JobSnapshot> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsQueued => !Begun && !PauseRequested && !IsOver;

    /// <value>Nothing of the job is worth writing any more but its end.</value>
    public bool IsOver => Ending || Failure is not null;

    public bool IsRunnable => !StopsNow && !PauseRequested && !IsOver;

    public JobRank Rank(in RankingView view) => JobRank.Of(Share!, ChainSteps - DoneChainSteps, Blocks.Count - DoneBlocks, view);

    public double? ChainStepsPerSecond => _rate.PerSecond();

    public Task Tail => _tail;

    /// <summary>Runs a step of recording after those before it, on the thread pool; its errors are its own business.</summary>
    public Task Then(Func<Task> step) => _tail = RunAfterAsync(_tail, step);

    public void Advance(LiveBlock block, StepReport report, TimeSpan slotTime)
    {
        long amount = (long)(report.Step - block.Step) * block.Plan.Chains;
        block.QuantumSteps = report.Step - block.Step;
        block.Step = report.Step;
        block.Series = report.Series ?? block.Series;
        block.Report = report with { Series = null, Preview = null };
        DoneChainSteps += amount;
        Share!.Charge(slotTime, amount);
        _rate.Add(amount);
    }

    public BlockSeries[] SeriesOf(IEnumerable<LiveBlock> blocks) =>
        [.. blocks.Where(block => block.Series is not null).Select(block => new BlockSeries(block.Plan, block.Series!))];

    /// <summary>Puts a block where it stands before it goes on: at its checkpoint, or at step 0.</summary>
    public void MoveTo(LiveBlock block, int step)
    {
        DoneChainSteps += (long)(step - block.Step) * block.Plan.Chains;
        block.Step = step;
        block.Report = null;
    }

    /// <summary>True once, when the job has nothing left to compute: all done, failed, or stopped on request.</summary>
    public bool TryEnd()
    {
        bool stopped = StopsNow && OpenBlocks == 0 && Waiting.Count == 0;
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
