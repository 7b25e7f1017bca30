using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Jobs.Questions;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>
/// One dedicated thread and the workloads open on it. It asks the board for a task, does it outside the gate, enters the outcome,
/// and never ends before the process does: a failing block costs its job, a lost device costs a rebind.
/// </summary>
internal sealed class Slot(
    JobBoard board, BlockOutcomes outcomes, IWorkloadFactory workloads, QuestionAnswerer answerer, IComputeDevice device, ILogger<Slot> log)
{
    private static readonly TimeSpan FirstRebind = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestRebind = TimeSpan.FromSeconds(30);

    private readonly SlotState _state = board.AddSlot();
    private readonly Dictionary<LiveBlock, IWorkload> _open = [];
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <value>Completes when the thread has disposed its workloads and ends.</value>
    public Task Left => _left.Task;

    public void Start() => new Thread(Run) { IsBackground = true, Name = $"ebm-slot-{_state.Index}" }.Start();

    private void Run()
    {
        while (Bind() && !WorkUntilStopped())
        {
            // The device was lost: bind again.
        }
        DisposeAll();
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
                board.SetBound(_state, true);
                return true;
            }
            catch (Exception e)
            {
                board.SetBound(_state, false);
                log.DeviceUnreachable(e, _state.Index, delay);
            }
            lock (board.Gate)
            {
                if (board.IsStopping)
                    return false;
                Monitor.Wait(board.Gate, delay);
            }
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
        board.EndQuantum(_state);
        board.SetBound(_state, false);
        DisposeAll();
        outcomes.DeviceLost(_state);
        return false;
    }

    private void Do(SlotTask task)
    {
        switch (task)
        {
            case AnswerTask answer:
                answerer.Answer(answer.Questions);
                break;
            case AdvanceTask advance:
                Advance(advance.Block);
                break;
            case ParkTask park when TryRun(park.Block, workload => workload.Save(), out byte[]? checkpoint):
                Dispose(park.Block);
                outcomes.Parked(_state, park.Block, checkpoint);
                break;
            case CloseTask { Keep: true } close when TryRun(close.Block, workload => workload.Finish(), out byte[]? result):
                Dispose(close.Block);
                outcomes.Closed(_state, close.Block, result);
                break;
            case CloseTask { Keep: false } drop:
                Dispose(drop.Block);
                outcomes.Closed(_state, drop.Block, null);
                break;
        }
    }

    private void Advance(LiveBlock block)
    {
        bool ran = TryRun(block, workload =>
        {
            board.BeginQuantum(_state, block.Job);
            StepReport report = workload.Advance(_state.Budget);
            return (Report: report, Result: report.Done ? workload.Finish() : null);
        }, out var outcome);
        board.EndQuantum(_state);
        if (!ran)
            return;
        if (outcome.Result is not null)
            Dispose(block);
        outcomes.Advanced(_state, block, outcome.Report, outcome.Result);
    }

    /// <summary>Opens the block where needed and works on it; an error other than the device's fails its job, and the answer is false.</summary>
    private bool TryRun<T>(LiveBlock block, Func<IWorkload, T> work, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? result)
    {
        try
        {
            if (!_open.TryGetValue(block, out IWorkload? workload))
                _open[block] = workload = Open(block);
            result = work(workload)!;
            return true;
        }
        catch (Exception e) when (e is not DeviceLostException)
        {
            Dispose(block);
            outcomes.Failed(_state, block, e);
            result = default;
            return false;
        }
    }

    // A null array would convert to an empty checkpoint, not to none.
    private IWorkload Open(LiveBlock block) => block.Checkpoint is { } checkpoint
        ? workloads.Open(block.Job.Definition, block.Plan, checkpoint)
        : workloads.Open(block.Job.Definition, block.Plan);

    private void Dispose(LiveBlock block)
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
    }

    private void DisposeAll()
    {
        foreach (LiveBlock block in _open.Keys.ToArray())
            Dispose(block);
    }
}
