using System.Diagnostics.CodeAnalysis;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Queries;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Slots;

/// <summary>
/// One dedicated thread and the workloads open on it. It asks the board for a task, does it outside the board's lock, tells the outcome,
/// and never ends before the process does: a failing block costs its job, a lost device costs a rebind.
/// </summary>
internal sealed class Slot(
    SlotBoard board, BlockOutcomes outcomes, SlotWorkloads workloads, QueryAnswerer answerer, IComputeDevice device, IModelWarmUp models,
    LiveJobs live, DataFolderLock folder, TimeProvider clock, ILogger<Slot> log)
{
    private static readonly TimeSpan FirstRebind = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestRebind = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LongestWaitForTheDatabase = TimeSpan.FromSeconds(2);

    private readonly SlotState _state = board.AddSlot();
    private TimeSpan _answeredWithin;
    private bool _isWarm;

    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <value>Completes when the thread has saved and disposed its workloads and ends.</value>
    public Task Left => _left.Task;

    public void Start() => new Thread(Run) { IsBackground = true, Name = $"ebm-slot-{_state.Index}" }.Start();

    private void Run()
    {
        while (Bind() && !WorkUntilStopped())
        {
            // The device was lost: bind again.
        }
        SaveOpen();
        workloads.DisposeAll();
        _left.SetResult();
    }

    /// <summary>False when the process stops first.</summary>
    private bool Bind()
    {
        for (TimeSpan delay = FirstRebind; ; delay = delay < LongestRebind ? 2 * delay : LongestRebind)
        {
            try
            {
                device.BindSlotThread();
                if (!_isWarm)
                    models.WarmUp(() => live.Stopping);
                _isWarm = true;
                board.SetBound(_state, true);
                _state.Time.Switch(SlotActivity.Job);
                return true;
            }
            catch (Exception e)
            {
                board.SetBound(_state, false);
                log.DeviceUnreachable(e, _state.Index, delay);
            }
            if (!board.Wait(delay))
                return false;
        }
    }

    /// <summary>True at a stop, false when the device has to be bound again.</summary>
    private bool WorkUntilStopped()
    {
        try
        {
            while (board.Next(_state) is not StopTask and var task)
                Do(task);
            return true;
        }
        catch (DeviceLostException e)
        {
            log.DeviceLost(e, _state.Index);
        }
        catch (Exception e)
        {
            log.SlotDefect(e, _state.Index);
        }
        _state.Time.Switch(SlotActivity.Unavailable);
        board.EndQuantum(_state);
        board.SetBound(_state, false);
        workloads.DisposeAll();
        outcomes.DeviceLost(_state);
        return false;
    }

    private void Do(SlotTask task)
    {
        switch (task)
        {
            case AnswerTask answer:
                Answer(answer);
                break;
            case AdvanceTask advance:
                Advance(advance.Block);
                break;
            case ParkTask park:
                Park(park.Block);
                break;
            case CloseTask { Keep: true } close:
                Close(close.Block);
                break;
            case CloseTask drop:
                workloads.Dispose(drop.Block);
                outcomes.Closed(_state, drop.Block, null, null);
                break;
        }
    }

    /// <returns>How long it took.</returns>
    private TimeSpan Answer(AnswerTask answer)
    {
        _state.Time.Switch(SlotActivity.Query);
        long began = clock.GetTimestamp();
        answerer.Answer(answer.Parts);
        long ended = clock.GetTimestamp();
        _state.Time.Switch(SlotActivity.Job);
        _state.OwesUntil = ended + (ended - began);
        return clock.GetElapsedTime(began, ended);
    }

    /// <summary>At a safe point of a block's work.</summary>
    private void AnswerWithin()
    {
        if (board.TryTakeWithin(_state) is { } answer)
            _answeredWithin += Answer(answer);
    }

    private void Advance(IBlock block)
    {
        // After a crash it has to be known which job runs, in case that one crashes again.
        if (folder.FollowsUncleanEnd && block.Job.Recorded.Status == JobStatus.Queued)
            Task.WaitAny([block.Job.Stored], LongestWaitForTheDatabase);
        _answeredWithin = TimeSpan.Zero;
        long began = clock.GetTimestamp();
        bool ran = TryRun(block, workload => Quantum(block, workload), out QuantumOutcome? outcome);
        board.EndQuantum(_state);
        if (!ran)
            return;
        if (outcome!.Result is not null)
            workloads.Dispose(block);
        outcomes.Advanced(_state, block, outcome, clock.GetElapsedTime(began) - _answeredWithin);
    }

    private QuantumOutcome Quantum(IBlock block, IWorkload workload)
    {
        QuantumOrder order = board.BeginQuantum(_state, block);
        StepReport report;
        using (SafePoint.Admit(AnswerWithin))
            report = workload.Advance(_state.Budget);
        bool isDone = report.Done || report.Step >= order.StopStep;
        SavedCheckpoint? saved = order.Save || (isDone && block.Job.IsExtendable) ? workloads.Save(workload) : null;
        return new QuantumOutcome(report, saved, isDone ? workload.Finish() : null, order.WantsStatistics);
    }

    private void Park(IBlock block)
    {
        if (!TryRun(block, workloads.Save, out SavedCheckpoint? saved))
            return;
        workloads.Dispose(block);
        outcomes.Parked(_state, block, saved);
    }

    private void Close(IBlock block)
    {
        bool isExtendable = block.Job.IsExtendable && !block.Job.StopsNow;
        if (!TryRun(block, workload => (Checkpoint: isExtendable ? workload.Save() : null, Result: PartOf(block, workload)), out var closed))
            return;
        workloads.Dispose(block);
        outcomes.Closed(_state, block, closed.Result, closed.Checkpoint);
    }

    /// <summary>Nothing of a stopped block whose state is lost: it stands at step 0.</summary>
    private static byte[]? PartOf(IBlock block, IWorkload workload) =>
        block.Job.StopsNow && block.Step == 0 ? null : workload.Finish();

    /// <summary>
    /// At a stop, every open block's state is kept; where the device does
    /// not answer any more, the last checkpoint has to do.
    /// </summary>
    private void SaveOpen()
    {
        try
        {
            foreach (IBlock block in outcomes.ToSave(_state).Where(workloads.IsOpen))
                Park(block);
        }
        catch (DeviceLostException e)
        {
            log.DeviceLost(e, _state.Index);
        }
    }

    /// <summary>
    /// Opens the block where needed and works on it; an error other than
    /// the device's fails its job, and the answer is false.
    /// </summary>
    private bool TryRun<T>(IBlock block, Func<IWorkload, T> work, [NotNullWhen(true)] out T? result)
    {
        try
        {
            result = work(workloads.Of(block))!;
            return true;
        }
        catch (Exception e) when (e is not DeviceLostException)
        {
            workloads.Dispose(block);
            outcomes.Failed(_state, block, e);
            result = default;
            return false;
        }
    }
}

/// <summary>The workloads open on one slot. Used by its thread alone.</summary>
internal sealed class SlotWorkloads(
    IWorkloadFactory factory, CheckpointWriter checkpoints, JobModels models, TimeProvider clock, ILogger<SlotWorkloads> log)
{
    private readonly Dictionary<IBlock, IWorkload> _open = [];

    public bool IsOpen(IBlock block) => _open.ContainsKey(block);

    /// <summary>The block's workload, opened where its state is.</summary>
    public IWorkload Of(IBlock block)
    {
        if (!_open.TryGetValue(block, out IWorkload? workload))
            _open[block] = workload = Open(block);
        return workload;
    }

    public SavedCheckpoint Save(IWorkload workload)
    {
        long started = clock.GetTimestamp();
        byte[] content = workload.Save();
        return new SavedCheckpoint(content, clock.GetElapsedTime(started));
    }

    public void Dispose(IBlock block)
    {
        if (!_open.Remove(block, out IWorkload? workload))
            return;
        try
        {
            workload.Dispose();
        }
        catch (Exception e)
        {
            log.DisposeFailed(e, block.Job.Id);
        }
        // Opened while its job ended: its models were kept after they had been given back.
        if (block.Job.State == JobState.Ended)
            models.Release(block.Job);
    }

    public void DisposeAll()
    {
        foreach (IBlock block in _open.Keys.ToArray())
            Dispose(block);
    }

    // A null array would convert to an empty checkpoint, not to none.
    private IWorkload Open(IBlock block) => checkpoints.Load(block) is { } checkpoint
        ? factory.Open(block.Job.Definition, block.Plan, checkpoint)
        : factory.Open(block.Job.Definition, block.Plan);
}
