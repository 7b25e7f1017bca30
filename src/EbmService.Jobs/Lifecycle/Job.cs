using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Scheduling;
using EbmService.Jobs.Telemetry;

namespace EbmService.Jobs.Lifecycle;

/// <summary>
/// A job from admission to its end: the one owner of its life. Every method is defined in every
/// state (JobTransitionTests is the table), changes the job under its own lock, and leaves what is
/// to be stored and shown to <see cref="IJobDuties"/>, in order. Thread-safe.
/// </summary>
internal sealed partial class Job
{
    public const int MaxDeviceLosses = 3;

    private readonly Lock _lock = new();
    private readonly IJobDuties _duties;
    private readonly TimeProvider _clock;
    private readonly TaskCompletionSource<JobSnapshot> _ended = NewSignal<JobSnapshot>();
    private JobState _state = JobState.Queued;
    private JobSnapshot _recorded;
    private Task _tail = Task.CompletedTask;
    private TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<bool> _pausing = NewSignal<bool>();
    private string? _stop;
    private int? _stopStep;
    private Failure? _failure;
    private int _attempt;
    private int _deviceLosses;
    private bool _begun;
    private bool _joined;
    private bool _isSuspect;
    private volatile bool _isRefused;

    /// <param name="recorded">The job as it is stored.</param>
    /// <param name="plan">Its blocks.</param>
    /// <param name="epoch">Of the lease under which it is written.</param>
    /// <param name="duties">Who carries out what it decides.</param>
    /// <param name="clock">For rates and save intervals.</param>
    /// <param name="startSteps">Where each block begins; null: at step 0.</param>
    public Job(JobSnapshot recorded, JobPlan plan, int epoch, IJobDuties duties, TimeProvider clock, IReadOnlyList<int>? startSteps = null)
    {
        _recorded = recorded;
        _duties = duties;
        _clock = clock;
        _attempt = recorded.Attempt;
        _rate = new RateMeter(clock);
        Definition = new JobDefinition(recorded.Id, recorded.Models, recorded.Spec) { Tenant = recorded.Tenant };
        Model = recorded.Model.Key();
        Epoch = epoch;
        Units = plan.Work;
        IsExtendable = recorded.Spec.Extended(0) is not null;
        _checkEvery = recorded.Spec.CheckEvery;
        _lastStep = plan.Blocks.Max(block => block.Steps);
        _blocks = [.. plan.Blocks.Select((block, i) => new Block(this, block, startSteps?[i] ?? 0))];
        _waiting = new WaitingBlocks(_blocks);
        QueuedAt = clock.GetTimestamp();
        MoveBarrierBeyond(0);
    }

    public string Id => Definition.Id;

    /// <value>Its spans in this process; null where nobody listens.</value>
    public JobTrace? Trace { get; set; }

    public JobDefinition Definition { get; }

    public ModelKey Model { get; }

    public int Epoch { get; }

    public long Units { get; }

    /// <value>The last checkpoints stay with the results, so that the job can be extended.</value>
    public bool IsExtendable { get; }

    public JobState State => _state;

    /// <value>The job as stored, with the progress of that moment.</value>
    public JobSnapshot Recorded => _recorded;

    /// <value>Its standing with the scheduler, from <see cref="Join"/> on.</value>
    public JobShare? Share { get; private set; }

    /// <value>When it was last queued.</value>
    public long QueuedAt { get; private set; }

    public string? Stop => _stop;

    public Failure? Failure => _failure;

    /// <value>Completes with the stored end; cancelled when the job turns out to be another process's.</value>
    public Task<JobSnapshot> Ended => _ended.Task;

    /// <value>Completes when what was decided so far is stored.</value>
    public Task Stored
    {
        get
        {
            lock (_lock)
                return _tail;
        }
    }

    public bool IsQueued => _state == JobState.Queued;

    public bool IsPaused => _state is JobState.Pausing or JobState.Paused;

    /// <value>Nothing of the job is worth computing or writing any more but its end.</value>
    public bool IsOver => _state is JobState.Ending or JobState.Ended;

    /// <value>Blocks may have quanta.</value>
    public bool IsRunnable => _state is JobState.Queued or JobState.Running or JobState.Finishing;

    /// <value>A stop is in force: blocks that are where it ends them are to be closed.</value>
    public bool IsStopping => _state is JobState.Finishing or JobState.Closing or JobState.Cancelling;

    /// <value>Its last attempt ended with the process and nothing of it was stored since: it may have been what ended it.</value>
    public bool IsSuspect => _isSuspect;

    /// <value>
    /// The disk refuses the status that a client asked for: it is tried again, and a process that starts now would know nothing of it.
    /// </value>
    public bool IsRefused => _isRefused;

    /// <value>Blocks are to be closed wherever they are.</value>
    public bool StopsNow => _stop is not null && _stopStep is null;

    /// <summary>The job is among the live ones: from now on what it decides is stored.</summary>
    public void Join(JobShare? share)
    {
        lock (_lock)
            (Share, _joined) = (share, true);
    }

    /// <summary>Of a job taken over from a process that died just before the end, nothing else is left.</summary>
    public void EndIfDone()
    {
        lock (_lock)
            TryEnd();
    }

    /// <summary>Removes fresh blocks at once and stops running ones at their next step.</summary>
    /// <returns>Stored with the cancel: the end itself where nothing has begun.</returns>
    public JobAnswer Cancel()
    {
        Task stored;
        lock (_lock)
        {
            if (_state == JobState.Cancelling)
                return new(JobChange.Already, _tail);
            if (_state is JobState.Closing or JobState.Ending or JobState.Ended)
                return new(JobChange.Refused, _ended.Task);
            StopHere(StopReason.Cancelled);
            bool closes = _open > 0 || _waiting.First is not null;
            stored = closes ? Record(new StatusEntry(JobStatus.Cancelling)) : _ended.Task;
            TryEnd();
        }
        _duties.Changed(this);
        return new(JobChange.Made, stored);
    }

    /// <summary>Takes the job's blocks off their slots at their next step.</summary>
    /// <returns>Stored with the pause, or the job's end where that comes first.</returns>
    public JobAnswer Pause()
    {
        JobAnswer answer;
        lock (_lock)
        {
            if (IsPaused)
                return new(JobChange.Already, Task.WhenAny(_pausing.Task, _ended.Task));
            if (_state is not (JobState.Queued or JobState.Running))
                return new(JobChange.Refused, _ended.Task);
            _state = JobState.Pausing;
            _pausing = NewSignal<bool>();
            TryCompletePause();
            answer = new(JobChange.Made, Task.WhenAny(_pausing.Task, _ended.Task));
        }
        _duties.Changed(this);
        return answer;
    }

    /// <summary>Queues a paused job again; a pause under way is withdrawn.</summary>
    public JobAnswer Resume()
    {
        Task stored;
        lock (_lock)
        {
            if (_state == JobState.Ended)
                return new(JobChange.Refused, _ended.Task);
            if (!IsPaused)
                return new(JobChange.Already, _tail);
            _pausing.TrySetResult(false);
            if (_state == JobState.Paused)
            {
                (_begun, QueuedAt) = (false, _clock.GetTimestamp());
                Record(new StatusEntry(JobStatus.Queued));
            }
            _state = _begun ? JobState.Running : JobState.Queued;
            TryJudge();
            stored = _tail;
        }
        _duties.Changed(this);
        return new(JobChange.Made, stored);
    }

    /// <summary>A rule's verdict or the deadline; the first decision counts, and is in force once it is stored.</summary>
    /// <param name="step">Where all blocks end; null to end each where it is.</param>
    public JobChange DecideStop(string reason, int? step)
    {
        lock (_lock)
        {
            if (_state is not (JobState.Queued or JobState.Running or JobState.Pausing or JobState.Paused))
                return JobChange.Refused;
            WithdrawPause();
            _state = JobState.Stopping;
            Record(new StopEntry(reason, step));
        }
        _duties.Changed(this);
        return JobChange.Made;
    }

    /// <summary>The decided stop is stored. A cancel that came meanwhile has the last word.</summary>
    public JobChange EnterStop(string reason, int? step)
    {
        lock (_lock)
        {
            if (_state != JobState.Stopping)
                return JobChange.Refused;
            // An open block is in its first quantum at least, whose steps are not reported yet.
            if (step is null && !_blocks.Exists(block => block.State is BlockState.Done or BlockState.Open || block.Step > block.StartStep))
                FailLocked(TooLate);
            else if (step is null)
                StopHere(reason);
            else
                StopAt(reason, step.Value);
            TryEnd();
        }
        _duties.Changed(this);
        return JobChange.Made;
    }

    /// <summary>Ends the job as failed; the first failure is the one told.</summary>
    /// <param name="overrulesEnd">The end that is on its way has yet to read this: from an entry recorded before it, or
    /// the end itself.</param>
    public JobChange Fail(Failure failure, bool overrulesEnd = false)
    {
        lock (_lock)
        {
            if (_failure is not null || _state == JobState.Ended || (_state == JobState.Ending && !overrulesEnd))
                return JobChange.Refused;
            FailLocked(failure);
        }
        _duties.Changed(this);
        return JobChange.Made;
    }

    /// <summary>The job is another process's: nothing more of it is computed or written here.</summary>
    public JobChange Abandon()
    {
        lock (_lock)
        {
            if (_state == JobState.Ended)
                return JobChange.Already;
            _state = JobState.Ended;
            DropWaiting();
            _pausing.TrySetResult(false);
        }
        _ended.TrySetCanceled();
        _duties.Changed(this);
        return JobChange.Made;
    }

    /// <summary>A state is stored and becomes the one that clients see.</summary>
    public JobChange Show(JobSnapshot stored)
    {
        lock (_lock)
        {
            if (_state == JobState.Ended)
                return JobChange.Refused;
            // A client may have changed that since.
            (_recorded, _isRefused) = (stored with { Keep = _recorded.Keep }, false);
            if (stored.Status.IsTerminal())
                _state = JobState.Ended;
        }
        return JobChange.Made;
    }

    /// <summary>Whether it stays once it has ended, whatever the retention settings say.</summary>
    public void SetKeep(bool keep)
    {
        lock (_lock)
            _recorded = _recorded with { Keep = keep };
    }

    /// <summary>The disk refuses a status, which is tried again until <see cref="Show"/>.</summary>
    public void StorageRefused() => _isRefused = true;

    /// <summary>Whoever waits for the end is told; after all that belongs to it is done.</summary>
    public void TellEnd(JobSnapshot end) => _ended.TrySetResult(end);

    /// <value>Whether a pause that is being stored is still wanted.</value>
    public bool IsPauseWanted => _state == JobState.Paused;

    // The caller of everything below holds the lock.
    private Task Record(JobEntry entry) => Record(_ => entry);

    /// <param name="entryOf">Makes the entry; told when another waits behind it.</param>
    private Task Record(Func<Task, JobEntry> entryOf)
    {
        _hurry.TrySetResult();
        _hurry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _finished = null;
        JobEntry entry = entryOf(_hurry.Task);
        if (_joined)
            _tail = _duties.Record(this, entry, _tail);
        else if (entry is PauseEntry pause)
            pause.Done.TrySetResult(true);
        return _tail;
    }

    private void StopHere(string reason)
    {
        _state = reason == StopReason.Cancelled ? JobState.Cancelling : JobState.Closing;
        (_stop, _stopStep) = (reason, null);
        EndBarrier();
        WithdrawPause();
        _waiting.DropFresh();
    }

    private void StopAt(string reason, int step)
    {
        _state = JobState.Finishing;
        (_stop, _stopStep) = (reason, step);
        EndBarrier();
    }

    private void FailLocked(Failure failure)
    {
        _failure = failure;
        DropWaiting();
        TryEnd();
    }

    private void WithdrawPause() => _pausing.TrySetResult(false);

    private void TryCompletePause()
    {
        if (_state != JobState.Pausing || _open > 0)
            return;
        _state = JobState.Paused;
        Record(new PauseEntry(_pausing));
    }

    /// <summary>Once, when the job has nothing left to compute: all done, failed, or stopped on request.</summary>
    private void TryEnd()
    {
        bool stopped = StopsNow && _open == 0 && _waiting.First is null;
        if (!_joined || IsOver || !(stopped || _failure is not null || _done == _blocks.Count))
            return;
        _state = JobState.Ending;
        Record(new EndEntry());
    }

    private static TaskCompletionSource<T> NewSignal<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
