using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>
/// One job, the slots that work on it, the disk and the processes that come and go, on one thread and from one seed. What a process has decided but not
/// stored is lost with it; what a client was told is not.
/// </summary>
internal sealed partial class JobSimulation : IJobDuties
{
    private const int Moves = 100;
    private const int DrainMoves = 3000;

    private readonly int _seed;
    private readonly Random _random;
    private readonly SamplingSpec _spec;
    private readonly JobPlan _plan;
    private readonly int? _threshold;
    private readonly List<string> _journal = [];

    // What outlives a process.
    private readonly StoredBlock[] _disk;
    private JobStatus _stored = JobStatus.Queued;
    private (string Reason, int? Step)? _storedStop;
    private JobSnapshot? _end;
    private int _attempt = 1;

    // What does not.
    private readonly Queue<(JobEntry Entry, TaskCompletionSource Done)> _entries = new();
    private readonly IBlock?[] _slots;
    private readonly QuantumLimits?[] _quanta;
    private int? _judging;
    private Job _job;
    private Task? _pause;

    // What clients asked for and were told.
    private Task? _cancelStored;
    private bool _cancelTold;
    private bool _pauseTold;
    private bool _deadlinePassed;
    private bool _drains;

    public JobSimulation(int seed)
    {
        _seed = seed;
        _random = new Random(seed);
        bool hasRule = _random.Next(2) == 0;
        int steps = _random.Next(3, 20);
        _threshold = hasRule ? _random.Next(1, 15) : null;
        _spec = JobsHost.Spec(seed: seed, chains: 4 * _random.Next(1, 5), steps: steps) with
        {
            Stop = hasRule ? new StopRules(UntilEss: _threshold, CheckEvery: _random.Next(1, 6)) : new StopRules(),
        };
        _plan = JobPlan.Create(_spec.Chains, _spec.BlockSize, _ => _spec.Steps);
        _disk = [.. _plan.Blocks.Select(_ => new StoredBlock())];
        _slots = new IBlock?[_random.Next(1, 4)];
        _quanta = new QuantumLimits?[_slots.Length];
        _job = NewJob(JobStatus.Queued);
        _job.Join(null);
    }

    /// <returns>How the job ended.</returns>
    public JobStatus Run()
    {
        try
        {
            for (int i = 0; i < Moves; i++)
                Move(_random.Next(100));
            Drain();
            return _end!.Status;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"EBM_TEST_SEED={_seed}: {e.Message}\n{string.Join('\n', _journal)}", e);
        }
    }

    public Task Record(Job job, JobEntry entry, Task before)
    {
        var done = new TaskCompletionSource();
        _entries.Enqueue((entry, done));
        return done.Task;
    }

    public void Judge(Job job, int step, BlockStatistics[] series) => _judging = step;

    public JobProgress Progress(Job job, int? queuePosition) => new();

    public void Changed(Job job)
    {
    }

    private void Move(int dice)
    {
        switch (dice)
        {
            case < 35:
                Work(_random.Next(_slots.Length), mayFail: true);
                break;
            case < 63:
                CarryOutNext();
                break;
            case < 65:
                _job.RetryModel();
                break;
            case < 72:
                TellVerdict();
                break;
            case < 78:
                Pause();
                break;
            case < 86:
                Resume();
                break;
            case < 88:
                Cancel();
                break;
            case < 89:
                PassDeadline();
                break;
            case < 93:
                Kill();
                break;
            case < 95:
                StopCleanly();
                break;
            case < 97:
                LoseDevice(_random.Next(_slots.Length));
                break;
            default:
                ParkForOthers(_random.Next(_slots.Length));
                break;
        }
        Check();
    }

    /// <summary>No more surprises: what was paused is resumed, and the job has to end.</summary>
    private void Drain()
    {
        Note("drain");
        _drains = true;
        for (int i = 0; i < DrainMoves && _end is null; i++)
        {
            CarryOutNext();
            TellVerdict();
            _job.RetryModel();
            if (_job.IsPaused && _entries.Count == 0)
            {
                Require(_job.State == JobState.Paused || Array.Exists(_slots, block => block is not null), "a pause is never completed");
                if (_job.State == JobState.Paused)
                    Resume();
            }
            for (int slot = 0; slot < _slots.Length; slot++)
                Work(slot, mayFail: false);
            Check();
        }
        Require(_end is not null, $"stuck: {_job.State}, blocks {string.Join(' ', _job.Blocks.Select(block => $"{block.State}@{block.Step}{(block.AtBarrier ? "|" : "")}"))}");
        CheckEnd(_end!);
    }

    /// <summary>Ends the slot's quantum, else does what the job wants of its block, else begins a quantum: much may happen while one is under way.</summary>
    private void Work(int slot, bool mayFail)
    {
        if (_quanta[slot] is { } begun)
        {
            EndQuantum(slot, _slots[slot]!, begun, mayFail);
            return;
        }
        if (_slots[slot] is { } block)
        {
            switch (_job.OrderFor(block))
            {
                case BlockOrder.Drop:
                    Finish(slot, block, null);
                    return;
                case BlockOrder.Close:
                    Finish(slot, block, block.Step > 0 || !_job.StopsNow ? Bits(block.Step) : null);
                    return;
                case BlockOrder.Park:
                    Park(slot, block);
                    return;
            }
            if (block.AtBarrier && _job.Offer() is { IsRunnable: true, HasWaiting: true })
                Park(slot, block);
            if (block.AtBarrier || !_job.IsRunnable)
                return;
        }
        else if (_job.TryOpenToClose() is { } closing)
        {
            _slots[slot] = closing;
            if (!mayFail || !LoseModel(slot, closing))
                Load(closing);
            return;
        }
        else if (_job.TryOpen() is { } opened)
        {
            Require(!_pauseTold, "a block of a paused job was opened");
            _slots[slot] = block = opened;
            if (mayFail && LoseModel(slot, block))
                return;
            Load(block);
        }
        else
        {
            return;
        }
        _job.Begin(block);
        _quanta[slot] = _job.LimitsFor(block);
    }

    private void EndQuantum(int slot, IBlock block, QuantumLimits limits, bool mayFail)
    {
        _quanta[slot] = null;
        if (mayFail && _random.Next(300) == 0)
        {
            Note($"block {block.Plan.Index} fails");
            _slots[slot] = null;
            _job.FailBlock(block, new Failure(FailureCode.Diverged, "diverged"));
            return;
        }
        int step = Math.Min(Math.Min(block.Plan.Steps, limits.StepLimit), block.Step + _random.Next(1, 4));
        Require(step >= block.Step, "a block passed its limit");
        Note($"block {block.Plan.Index} to {step}");
        bool isDone = step >= block.Plan.Steps || step >= limits.StopStep;
        _job.Advance(block, new StepReport(step, isDone) { Statistics = Statistics(step) });
        if (isDone)
        {
            Finish(slot, block, Bits(step));
            return;
        }
        if (_random.Next(5) == 0)
            _job.Save(block, Bits(step), TimeSpan.Zero);
        if (limits.MayReachBarrier)
            _job.Arrive(block);
    }

    /// <summary>A block that is being opened may find its model away.</summary>
    private bool LoseModel(int slot, IBlock block)
    {
        if (_random.Next(10) != 0)
            return false;
        _slots[slot] = null;
        JobChange change = _job.AwaitModel(block, ModelAway, _random.Next(100) == 0 ? TimeSpan.Zero : TimeSpan.MaxValue);
        Note($"model of block {block.Plan.Index} away: {change}");
        if (change == JobChange.Refused)
            _job.FailBlock(block, ModelAway);
        Require(change != JobChange.Already || block.State is BlockState.Parked or BlockState.Waiting, "a block that waits for its model is lost");
        return true;
    }

    private void Load(IBlock block)
    {
        (byte[]? inMemory, bool onDisk) = _job.CheckpointOf(block);
        int? step = _disk[block.Plan.Index].Checkpoint;
        if (inMemory is null && onDisk)
            _job.Loaded(block, step);
        Require(inMemory is null || BitConverter.ToInt32(inMemory) == block.Step, "a block goes on from other chains than its step says");
    }

    private void Finish(int slot, IBlock block, byte[]? result)
    {
        Note($"block {block.Plan.Index} ends at {block.Step} {(result is null ? "without" : "with")} a result");
        _slots[slot] = null;
        _job.Finish(block, result, result is not null && !_job.StopsNow ? Bits(block.Step) : null);
    }

    private void Park(int slot, IBlock block)
    {
        Note($"block {block.Plan.Index} parks at {block.Step}");
        _slots[slot] = null;
        _job.Park(block, Bits(block.Step), TimeSpan.Zero, write: _random.Next(2) == 0);
    }

    private void ParkForOthers(int slot)
    {
        if (_slots[slot] is { } block && _quanta[slot] is null && _job.OrderFor(block) == BlockOrder.None)
            Park(slot, block);
    }

    private void LoseDevice(int slot)
    {
        if (_slots[slot] is not { } block)
            return;
        Note($"device of block {block.Plan.Index} lost");
        (_slots[slot], _quanta[slot]) = (null, null);
        _job.Lose(block);
    }

    private void Pause()
    {
        JobAnswer answer = _job.Pause();
        Note($"pause: {answer.Change}");
        if (answer.Change != JobChange.Refused)
            _pause = answer.Stored;
    }

    private void Resume()
    {
        Note($"resume: {_job.Resume().Change}");
        (_pause, _pauseTold) = (null, false);
    }

    private void Cancel()
    {
        JobAnswer answer = _job.Cancel();
        Note($"cancel: {answer.Change}");
        if (answer.Change == JobChange.Made)
            (_cancelStored, _pause, _pauseTold) = (answer.Stored, null, false);
    }

    private void PassDeadline()
    {
        _deadlinePassed = true;
        Note($"deadline: {_job.DecideStop(StopReason.Deadline, null)}");
    }

    private void TellVerdict()
    {
        if (_judging is not { } step)
            return;
        _judging = null;
        string? verdict = step >= _threshold ? SamplingJob.UntilEss : null;
        JobStatistics statistics = JobStatistics.None with { Verdict = verdict };
        Note($"verdict at {step}: {verdict ?? "go on"}, {_job.Judged(step, statistics)}");
    }

    /// <summary>What has to hold at every moment.</summary>
    private void Check()
    {
        if (_cancelStored is { IsCompleted: true } && _end is null)
            _cancelTold = true;
        // The answer to a pause says paused only where the job is: it may have ended, or been resumed, meanwhile.
        if (_pause is { IsCompleted: true } && _stored == JobStatus.Paused && _job.State == JobState.Paused)
            _pauseTold = true;
        if (_deadlinePassed || _end is not null)
            _pauseTold = false;
        Require(!_pauseTold || _job.State == JobState.Paused, $"a pause that was told is lost: {_job.State}");
        Require(!_cancelTold || _end is not null || _job.State is JobState.Cancelling or JobState.Ending, $"a cancel that was told is lost: {_job.State}");
        Require(_job.State != JobState.Pausing || _job.OpenBlocks > 0, "a pause is never completed");
        Require(_end is null || _job.State == JobState.Ended, "an end is not the end");
        Require(_job.OpenBlocks == _slots.Count(block => block is not null), "open blocks are not those on slots");
    }

    private void CheckEnd(JobSnapshot end)
    {
        Require(!_cancelTold || end.Status is JobStatus.Cancelled or JobStatus.Failed, $"a cancelled job ended as {end.Status}");
        int[] steps = [.. _disk.Select(block => block.Result ?? -1)];
        int every = _spec.Stop!.CheckEvery ?? int.MaxValue;
        int wanted = end.StopReason switch
        {
            StopReason.Completed => _spec.Steps,
            SamplingJob.UntilEss => (int)(((long)_threshold! + every - 1) / every * every),
            _ => -1,
        };
        Require(wanted < 0 || steps.All(step => step == wanted), $"the blocks ended at {string.Join(' ', steps)} in place of {wanted}");
        Require(end.StopReason != StopReason.Deadline || _deadlinePassed, "a deadline that never was");
    }

    private Job NewJob(JobStatus status) => new(
        new JobSnapshot
        {
            Id = new string('0', 32), Status = status, Models = JobModel.Only(new ModelReference("m", "1", "sha256:00")), Spec = _spec, Attempt = _attempt,
            Progress = new JobProgress(), CreatedAt = DateTimeOffset.UnixEpoch,
        },
        _plan, epoch: 0, this, TimeProvider.System);

    private static readonly Failure ModelAway = new(FailureCode.ModelUnavailable, "away");

    private static byte[] Bits(int step) => BitConverter.GetBytes(step);

    private static byte[] Statistics(int step) => BitConverter.GetBytes(step);

    private void Note(string what) => _journal.Add(what);

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new InvalidOperationException(otherwise);
    }
}
