using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Lifecycle;

/// <summary>What there is to tell of a quantum.</summary>
internal readonly record struct JobNews(bool IsProgressDue, PreviewFrame? Preview);

/// <summary>What is kept and told of a job: checkpoints, results of blocks, diagnostics, progress, the snapshots that are stored.</summary>
internal sealed partial class Job
{
    private long? _progressAt;
    private long? _previewAt;
    private PreviewFrame? _preview;
    private int _round;
    private bool _roundIsOpen;
    private long? _roundOpenedAt;
    private List<FinishedBlock>? _finished;
    private long _nextFinishedAt;

    /// <summary>How long the recorder waits before it stores finished blocks again; nothing or less where it need not.</summary>
    public TimeSpan FinishedWait()
    {
        lock (_lock)
            return _clock.GetElapsedTime(_clock.GetTimestamp(), _nextFinishedAt);
    }

    /// <summary>Finished blocks are stored; the next ones wait for that long.</summary>
    public void FinishedStored(TimeSpan rest)
    {
        lock (_lock)
            _nextFinishedAt = _clock.GetTimestamp() + (long)(rest.TotalSeconds * _clock.TimestampFrequency);
    }

    /// <summary>Whether a block in its quantum is to be saved after it.</summary>
    public bool IsSaveDue(IBlock which, TimeSpan interval)
    {
        var block = (Block)which;
        lock (_lock)
        {
            if (block.SavedAt is { } last)
                return !block.IsWriting && _clock.GetElapsedTime(last) >= block.SaveInterval;
            (block.SavedAt, block.SaveInterval) = (_clock.GetTimestamp(), interval);
            // What a suspect has done is kept at once: that clears it.
            return _isSuspect;
        }
    }

    /// <summary>Takes what a slot saved of an open block, and queues it for writing.</summary>
    /// <param name="interval">How long to wait until the next save.</param>
    public void Save(IBlock which, byte[] checkpoint, TimeSpan interval)
    {
        lock (_lock)
            Keep((Block)which, checkpoint, interval, write: true);
    }

    /// <summary>Queues the newest checkpoints of blocks without a slot, which have no say in it.</summary>
    public void WriteParked()
    {
        lock (_lock)
        {
            foreach (Block block in _blocks.Where(block => block.State == BlockState.Parked))
                Write(block);
        }
    }

    /// <summary>The checkpoint to write now; null where there is none, and no write is under way then.</summary>
    public (byte[] Checkpoint, int Step)? ToWrite(IBlock which)
    {
        var block = (Block)which;
        lock (_lock)
        {
            if (block.Checkpoint is { } checkpoint && !IsOver)
                return (checkpoint, block.CheckpointStep);
            block.IsWriting = false;
            return null;
        }
    }

    /// <summary>A checkpoint is on disk, and leaves the memory where it is still the newest.</summary>
    /// <param name="interval">The least to wait until the next save.</param>
    public void Written(IBlock which, byte[] checkpoint, TimeSpan interval)
    {
        var block = (Block)which;
        lock (_lock)
        {
            (block.IsWriting, block.IsStored) = (false, true);
            block.SaveInterval = block.SaveInterval > interval ? block.SaveInterval : interval;
            if (ReferenceEquals(block.Checkpoint, checkpoint))
            {
                block.Checkpoint = null;
                _waiting.Written(block);
            }
            else if (block.State == BlockState.Parked)
            {
                Write(block);
            }
        }
        Clear();
    }

    /// <summary>The entry's blocks; those that finish later are another's.</summary>
    public FinishedBlock[] Take(FinishedEntry entry)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_finished, entry.Blocks))
                _finished = null;
            return [.. entry.Blocks];
        }
    }

    /// <summary>The last checkpoints of a done block are on disk.</summary>
    public void CheckpointWritten(int index, int step)
    {
        lock (_lock)
            (BlockOf(index).IsStored, BlockOf(index).CheckpointStep) = (true, step);
    }

    public void ResultWritten(int index, string sha256)
    {
        lock (_lock)
            BlockOf(index).ResultSha256 = sha256;
        Clear();
    }

    /// <summary>The block's state in memory, and whether there is any on disk.</summary>
    public (byte[]? InMemory, bool OnDisk) CheckpointOf(IBlock which)
    {
        var block = (Block)which;
        lock (_lock)
            return (block.Checkpoint, block.IsStored);
    }

    /// <summary>What was read from disk for a block about to go on.</summary>
    /// <param name="step">Null where nothing there was valid: the block begins at step 0.</param>
    public void Loaded(IBlock which, int? step)
    {
        var block = (Block)which;
        lock (_lock)
        {
            if ((step ?? 0) != block.Step)
                MoveTo(block, step ?? 0);
            (block.IsStored, block.CheckpointStep) = (step is not null, step ?? 0);
        }
    }

    /// <summary>Whether the block's next report should carry its statistics for the metrics on the way.</summary>
    /// <param name="interval">The least time from one round of asking to the next; null: no new round now.</param>
    public bool WantsStatistics(IBlock which, TimeSpan? interval)
    {
        lock (_lock)
        {
            if (!_roundIsOpen && interval is { } least && (_roundOpenedAt is not { } opened || _clock.GetElapsedTime(opened) >= least))
                (_round, _roundIsOpen, _roundOpenedAt) = (_round + 1, true, _clock.GetTimestamp());
            return _roundIsOpen && ((Block)which).Round < _round;
        }
    }

    /// <summary>A running block has reported.</summary>
    /// <returns>The statistics of all blocks where it was the last that the round waited for; null else.</returns>
    public BlockStatistics[]? TakeStatistics(IBlock which)
    {
        lock (_lock)
        {
            ((Block)which).Round = _round;
            if (!_roundIsOpen || _blocks.Exists(other => other is { State: BlockState.Open, AtBarrier: false } && other.Round < _round))
                return null;
            _roundIsOpen = false;
            return IsRunnable && SeriesOf(_blocks) is { Length: > 0 } series ? series : null;
        }
    }

    public void Diagnose(JobStatistics statistics)
    {
        lock (_lock)
            Statistics = statistics;
    }

    /// <summary>
    /// What a quantum's report lets be told: before the change to running is stored and after the end is decided,
    /// progress would contradict the status.
    /// </summary>
    /// <param name="isLast">The report is of the block's end.</param>
    /// <param name="interval">Progress and previews come at most that often.</param>
    public JobNews NewsOf(StepReport report, bool isLast, TimeSpan interval)
    {
        lock (_lock)
        {
            if (IsOver || _recorded.Status == JobStatus.Queued)
                return default;
            _preview = report.Preview ?? _preview;
            PreviewFrame? preview = (isLast && _done == _blocks.Count - 1) || IsDue(_previewAt, interval) ? _preview : null;
            if (preview is not null)
                (_previewAt, _preview) = (_clock.GetTimestamp(), null);
            bool isProgressDue = IsDue(_progressAt, interval);
            if (isProgressDue)
                _progressAt = _clock.GetTimestamp();
            return new(isProgressDue, preview);
        }
    }

    /// <summary>The job as clients see it now.</summary>
    public JobSnapshot Snapshot(int? queuePosition)
    {
        lock (_lock)
            return _recorded.Status.IsTerminal() ? _recorded : _recorded with { Progress = _duties.Progress(this, queuePosition) };
    }

    /// <summary>What is to be stored of a status that is not an end.</summary>
    public JobSnapshot SnapshotOf(JobStatus status, int? queuePosition, DateTimeOffset now)
    {
        lock (_lock)
        {
            JobSnapshot next = Snapshot(queuePosition) with { Status = status, Attempt = _attempt };
            return status == JobStatus.Running ? next with { StartedAt = next.StartedAt ?? now } : next;
        }
    }

    /// <summary>What is to be stored of the end.</summary>
    public JobSnapshot SnapshotOfEnd(IReadOnlyList<ResultEntry> results, DateTimeOffset now)
    {
        lock (_lock)
        {
            JobSnapshot last = Snapshot(queuePosition: null);
            return last with
            {
                Status = _failure is not null ? JobStatus.Failed
                    : _stop == StopReason.Cancelled ? JobStatus.Cancelled : JobStatus.Succeeded,
                StopReason = _failure is null ? _stop ?? StopReason.Completed : null,
                StopStep = _stopStep,
                FinishedAt = now,
                Attempt = _attempt,
                Error = _failure,
                Results = results,
                Progress = last.Progress with { QueuePosition = null, EtaSeconds = null },
            };
        }
    }

    /// <summary>Something of the job was stored: it is no suspect any more, and the next one may run.</summary>
    private void Clear()
    {
        if (!_isSuspect)
            return;
        lock (_lock)
            _isSuspect = false;
        _duties.Changed(this);
    }

    // The caller of everything below holds the lock.
    private void AddFinished(FinishedBlock block)
    {
        if (_finished is null)
        {
            List<FinishedBlock> blocks = [];
            Record(hurry => new FinishedEntry(blocks, hurry));
            _finished = blocks;
        }
        _finished.Add(block);
    }

    private void Keep(Block block, byte[] checkpoint, TimeSpan interval, bool write)
    {
        (block.Checkpoint, block.CheckpointStep) = (checkpoint, block.Step);
        (block.SavedAt, block.SaveInterval) = (_clock.GetTimestamp(), interval);
        if (write)
            Write(block);
    }

    private void Write(Block block)
    {
        if (block.IsWriting || block.Checkpoint is null || IsOver)
            return;
        block.IsWriting = true;
        Record(new CheckpointEntry(block));
    }

    private bool IsDue(long? last, TimeSpan interval) => last is null || _clock.GetElapsedTime(last.Value) >= interval;

    /// <summary>A block as its job sees it. Guarded by the job's lock.</summary>
    private sealed class Block : IBlock
    {
        public Block(Job job, BlockPlan plan, int startStep)
        {
            (Job, Plan, StartStep) = (job, plan, startStep);
            Place = new LinkedListNode<Block>(this);
        }

        public Job Job { get; }

        public BlockPlan Plan { get; }

        public int StartStep { get; }

        /// <value>Among those that wait; of no list while it does not.</value>
        public LinkedListNode<Block> Place { get; }

        /// <value>Bytes that <see cref="WaitingBlocks.ParkedBytes"/> counts for it.</value>
        public int CountedBytes { get; set; }

        public BlockState State { get; set; }

        public int Step { get; set; }

        public StepReport? Report { get; set; }

        public int QuantumSteps { get; set; }

        public byte[]? Statistics { get; set; }

        /// <value>The latest round of asking for statistics that it answered.</value>
        public int Round { get; set; }

        public bool AtBarrier { get; set; }

        public int Quanta { get; set; }

        /// <value>The newest checkpoint while it is not on disk.</value>
        public byte[]? Checkpoint { get; set; }

        /// <value>Whether a checkpoint is on disk.</value>
        public bool IsStored { get; set; }

        /// <value>Steps at the newest checkpoint, in memory or on disk; 0 without one.</value>
        public int CheckpointStep { get; set; }

        public bool HasCheckpoint => Checkpoint is not null || IsStored;

        public bool IsWriting { get; set; }

        /// <value>When it was last saved or opened.</value>
        public long? SavedAt { get; set; }

        /// <value>How long to wait from one save to the next: longer where saving is slow.</value>
        public TimeSpan SaveInterval { get; set; }

        public string? ResultSha256 { get; set; }

        public int Damages { get; set; }
    }
}
