using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Lifecycle;

internal sealed partial class Job
{
    private const int NoBarrier = int.MaxValue;

    private readonly List<Block> _blocks;
    private readonly WaitingBlocks _waiting;
    private readonly RateMeter _rate;
    private readonly int? _checkEvery;
    private readonly int _lastStep;
    private int _barrier = NoBarrier;
    private bool _isJudging;
    private int _open;
    private int _done;
    private long _doneUnits;

    public IReadOnlyList<IBlock> Blocks => _blocks;

    public long DoneUnits => Volatile.Read(ref _doneUnits);

    public long RemainingUnits => Units - DoneUnits;

    public int RemainingBlocks => _blocks.Count - _done;

    public int OpenBlocks => _open;

    public double? UnitsPerSecond => _rate.PerSecond();

    /// <value>The latest diagnostics over the job's blocks.</value>
    public JobStatistics? Statistics { get; private set; }

    public JobOffer Offer()
    {
        lock (_lock)
            return new(IsRunnable, _waiting.First is not null && !_awaitsModel, _open > 0, _waiting.ParkedBytes);
    }

    /// <summary>Takes the next waiting block onto a slot; null where none may run.</summary>
    public IBlock? TryOpen()
    {
        lock (_lock)
            return IsRunnable && !_awaitsModel && _waiting.First is { } next ? Open(next) : null;
    }

    /// <summary>Takes a waiting block onto a slot that is to be closed where it is; null where there is none.</summary>
    public IBlock? TryOpenToClose()
    {
        if (!IsStopping)
            return null;
        lock (_lock)
            return IsStopping && !_awaitsModel && _waiting.All.FirstOrDefault(IsAtItsEnd) is { } block ? Open(block) : null;
    }

    public BlockOrder OrderFor(IBlock which)
    {
        lock (_lock)
        {
            return IsOver ? BlockOrder.Drop
                : IsAtItsEnd((Block)which) ? BlockOrder.Close
                : _state == JobState.Pausing ? BlockOrder.Park : BlockOrder.None;
        }
    }

    /// <summary>A block gets a quantum.</summary>
    /// <returns>Whether it is the first since the job was queued, which makes the job running.</returns>
    public bool Begin(IBlock which)
    {
        lock (_lock)
        {
            ((Block)which).Quanta++;
            if (_begun || !IsRunnable)
                return false;
            _begun = true;
            if (_state == JobState.Queued)
                _state = JobState.Running;
            Record(new StatusEntry(JobStatus.Running));
            return true;
        }
    }

    public QuantumLimits LimitsFor(IBlock which)
    {
        lock (_lock)
        {
            int limit = _stopStep ?? _barrier;
            // Statistics are copied; far from the barrier nobody needs them.
            bool nears = _barrier != NoBarrier && which.Step + 2L * which.QuantumSteps + 1 >= limit;
            return new(limit, _stopStep ?? int.MaxValue, nears);
        }
    }

    /// <summary>A block's quantum is over.</summary>
    /// <returns>Units done.</returns>
    public long Advance(IBlock which, StepReport report)
    {
        var block = (Block)which;
        lock (_lock)
        {
            long amount = (long)(report.Step - block.Step) * block.Plan.Count;
            (block.QuantumSteps, block.Step) = (report.Step - block.Step, report.Step);
            block.Statistics = report.Statistics ?? block.Statistics;
            block.Report = report with { Statistics = null, Preview = null };
            _doneUnits += amount;
            _modelMissingSince = null;
            _rate.Add(amount);
            return amount;
        }
    }

    /// <summary>A block that has given its statistics may be at the barrier, where it waits for the others and the verdict.</summary>
    public void Arrive(IBlock which)
    {
        var block = (Block)which;
        lock (_lock)
        {
            if (block.State != BlockState.Open || block.Step < _barrier
                || _state is not (JobState.Queued or JobState.Running or JobState.Pausing))
                return;
            block.AtBarrier = true;
            TryJudge();
        }
    }

    /// <summary>Judged at that step; a verdict that a pause or an end overtook is dropped, and found again at a resume.</summary>
    /// <param name="statistics">Its verdict is null where the blocks go on.</param>
    public JobChange Judged(int step, JobStatistics statistics)
    {
        lock (_lock)
        {
            _isJudging = false;
            if (_state is not (JobState.Queued or JobState.Running) || step != _barrier)
                return JobChange.Refused;
            Statistics = statistics;
            if (statistics.Verdict is null)
            {
                MoveBarrierBeyond(step + 1);
                LeaveBarrier();
            }
        }
        if (statistics.Verdict is { } reason)
            return DecideStop(reason, step);
        _duties.Changed(this);
        return JobChange.Made;
    }

    /// <summary>A block gave up its place; its state is kept.</summary>
    /// <param name="write">Its checkpoint is due on disk.</param>
    /// <returns>False where nothing of it is wanted any more.</returns>
    public bool Park(IBlock which, byte[] checkpoint, TimeSpan interval, bool write)
    {
        var block = (Block)which;
        lock (_lock)
        {
            if (IsOver)
            {
                Leave(block, BlockState.Dropped);
                return false;
            }
            write |= block.AtBarrier || _state == JobState.Pausing;
            Leave(block, BlockState.Parked);
            Keep(block, checkpoint, interval, write);
            if (!block.AtBarrier)
                _waiting.Return(block);
            TryCompletePause();
        }
        _duties.Changed(this);
        return true;
    }

    /// <summary>A block is done, or was ended early.</summary>
    /// <param name="result">Null where nothing of it is kept.</param>
    /// <param name="checkpoint">Its last checkpoint, where the job may be extended.</param>
    public void Finish(IBlock which, byte[]? result, byte[]? checkpoint)
    {
        var block = (Block)which;
        lock (_lock)
        {
            bool keep = result is not null && !IsOver;
            Leave(block, keep ? BlockState.Done : BlockState.Dropped);
            block.Checkpoint = null;
            if (keep)
            {
                _done++;
                StepReport report = (block.Report ?? new StepReport(block.Step, Done: true)) with { Statistics = block.Statistics };
                AddFinished(new FinishedBlock(block.Plan.Index, report, result!, checkpoint));
                if (RemainingBlocks == 0)
                    _rate.Stop();
            }
            TryEnd();
            // It may have been the last that a pause or a barrier waited for.
            TryCompletePause();
            TryJudge();
        }
        _duties.Changed(this);
    }

    /// <summary>A block's work threw: the job fails, unless it is being closed, which then goes on without the block.</summary>
    /// <returns><see cref="JobChange.Already"/> where the job is being closed.</returns>
    public JobChange FailBlock(IBlock which, Failure failure)
    {
        JobChange change = JobChange.Already;
        lock (_lock)
        {
            Leave((Block)which, BlockState.Dropped);
            if (!StopsNow && !IsOver && _failure is null)
            {
                FailLocked(failure);
                change = JobChange.Made;
            }
            TryEnd();
        }
        _duties.Changed(this);
        return change;
    }

    /// <summary>A block's device was lost: it is queued again at its last checkpoint; a job that keeps losing devices fails.</summary>
    /// <returns><see cref="JobChange.Refused"/> where that made the job fail.</returns>
    public JobChange Lose(IBlock which)
    {
        var block = (Block)which;
        JobChange change = JobChange.Made;
        lock (_lock)
        {
            bool goesOn = !IsOver && (!StopsNow || block.HasCheckpoint);
            Leave(block, BlockState.Dropped);
            if (goesOn)
            {
                Requeue(block);
                _attempt++;
                if (++_deviceLosses > MaxDeviceLosses)
                {
                    FailLocked(DeviceLostOften);
                    change = JobChange.Refused;
                }
                else
                {
                    Record(new StatusEntry(_state == JobState.Cancelling ? JobStatus.Cancelling : JobStatus.Running));
                }
            }
            TryEnd();
            TryCompletePause();
        }
        _duties.Changed(this);
        return change;
    }

    /// <summary>
    /// The stored results of done blocks are of no use: the end is off until
    /// they are computed again, or left out of a job that is closed.
    /// </summary>
    public JobChange Reopen(IReadOnlyList<IBlock> damaged)
    {
        lock (_lock)
        {
            if (_state != JobState.Ending)
                return JobChange.Refused;
            _state = _stop switch
            {
                null => _begun ? JobState.Running : JobState.Queued,
                StopReason.Cancelled => JobState.Cancelling,
                _ => _stopStep is null ? JobState.Closing : JobState.Finishing,
            };
            foreach (Block block in damaged.Cast<Block>())
            {
                _done--;
                block.ResultSha256 = null;
                block.Damages++;
                if (StopsNow && !block.HasCheckpoint)
                    block.State = BlockState.Dropped;
                else
                    Requeue(block);
            }
            TryEnd();
        }
        _duties.Changed(this);
        return JobChange.Made;
    }

    public BlockStatistics[] Series()
    {
        lock (_lock)
            return SeriesOf(_blocks);
    }

    /// <summary>The statistics of the blocks whose results are stored.</summary>
    public BlockStatistics[] FinishedSeries()
    {
        lock (_lock)
            return SeriesOf(_blocks.Where(block => block.ResultSha256 is not null));
    }

    // The caller of everything below holds the lock.
    private static BlockStatistics[] SeriesOf(IEnumerable<Block> blocks) =>
        [.. blocks.Where(block => block.Statistics is not null).Select(block => new BlockStatistics(block.Plan, block.Statistics!))];

    private Block BlockOf(int index) => _blocks[index];

    private bool IsAtItsEnd(Block block) => StopsNow || block.Step >= _stopStep;

    private Block Open(Block block)
    {
        _waiting.Remove(block);
        if (_open++ == 0)
            _rate.Resume();
        (block.State, block.Quanta) = (BlockState.Open, 0);
        return block;
    }

    private void Leave(Block block, BlockState state)
    {
        _open--;
        block.State = state;
    }

    /// <summary>The block waits again where its newest checkpoint is, parked ones before fresh ones.</summary>
    private void Requeue(Block block)
    {
        MoveTo(block, block.HasCheckpoint ? block.CheckpointStep : 0);
        (block.State, block.AtBarrier) = (block.HasCheckpoint ? BlockState.Parked : BlockState.Waiting, false);
        _waiting.Requeue(block);
    }

    private void MoveTo(Block block, int step)
    {
        _doneUnits += (long)(step - block.Step) * block.Plan.Count;
        (block.Step, block.Report) = (step, null);
    }

    /// <summary>Judges when every block is at the barrier; a paused job is judged when it is resumed.</summary>
    private void TryJudge()
    {
        if (_isJudging || _barrier == NoBarrier || _state is not (JobState.Queued or JobState.Running)
            || !_blocks.Exists(block => block.AtBarrier) || _blocks.Exists(block => !block.AtBarrier && block.State != BlockState.Done))
            return;
        _isJudging = true;
        _duties.Judge(this, _barrier, SeriesOf(_blocks));
    }

    /// <summary>
    /// Barriers are at every multiple below the last step: whoever is past one
    /// was let through it, whoever is at one may not have been.
    /// </summary>
    private void MoveBarrierBeyond(int step)
    {
        if (_checkEvery is not { } every)
            return;
        long next = Math.Max(1L, (step + every - 1L) / every) * every;
        _barrier = next < _lastStep ? (int)next : NoBarrier;
    }

    /// <summary>Blocks that waited for each other wait for slots again.</summary>
    private void LeaveBarrier()
    {
        foreach (Block block in _blocks.Where(block => block.AtBarrier))
        {
            block.AtBarrier = false;
            if (block.State == BlockState.Parked)
                _waiting.Return(block);
        }
    }

    /// <summary>Where blocks stop is decided: those behind that step, after a kill or a lost device, wait at no earlier barrier.</summary>
    private void EndBarrier()
    {
        LeaveBarrier();
        _barrier = NoBarrier;
    }

    private void DropWaiting()
    {
        LeaveBarrier();
        _waiting.Clear();
    }

    private static readonly Failure TooLate = new(FailureCode.DeadlineExceeded,
        "The job's deadline passed before any of its blocks had a step.",
        "Submit it again with a later deadline or a higher priority, or when the service is less busy.");

    private static readonly Failure DeviceLostOften = new(FailureCode.DeviceLost,
        "The device was lost several times while the job ran.", "Ask for a smaller job, or ask the operator.");
}
