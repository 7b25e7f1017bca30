using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>What outlives a process: what the recorder stores, and what a new process makes of it.</summary>
internal sealed partial class JobSimulation
{
    /// <summary>What the recorder does, on this disk.</summary>
    private void CarryOutNext()
    {
        if (!_entries.TryDequeue(out (JobEntry Entry, TaskCompletionSource Done) next))
            return;
        Note($"stored: {next.Entry.GetType().Name}{(next.Entry is StatusEntry { Status: var status } ? $" {status}" : "")}");
        switch (next.Entry)
        {
            case StatusEntry entry:
                Store(_job.SnapshotOf(entry.Status, null, DateTimeOffset.UnixEpoch));
                break;
            case PauseEntry entry:
                foreach (IBlock block in _job.Blocks)
                    Write(block);
                if (_job.IsPauseWanted)
                    Store(_job.SnapshotOf(JobStatus.Paused, null, DateTimeOffset.UnixEpoch));
                entry.Done.TrySetResult(true);
                break;
            case CheckpointEntry entry:
                Write(entry.Block);
                break;
            case FinishedEntry entry:
                foreach (FinishedBlock block in _job.Take(entry))
                    Write(block);
                break;
            case StopEntry entry:
                _storedStop = (entry.Reason, entry.Step);
                _job.EnterStop(entry.Reason, entry.Step);
                break;
            case EndEntry:
                End();
                break;
        }
        next.Done.SetResult();
        // Right after a change of what is stored a kill finds the most.
        if (next.Entry is StopEntry ? _random.Next(3) == 0 : !_drains && _random.Next(40) == 0)
            Kill();
    }

    private void Write(FinishedBlock block)
    {
        if (block.Checkpoint is not null)
        {
            _disk[block.Index].Checkpoint = block.Report.Step;
            _job.CheckpointWritten(block.Index, block.Report.Step);
        }
        _disk[block.Index].Result = BitConverter.ToInt32(block.Result);
        _job.ResultWritten(block.Index, "sha");
    }

    private void End()
    {
        if (_job.Failure is null && _random.Next(20) == 0)
        {
            IBlock[] damaged = [.. _job.Blocks.Where(block => block is { ResultSha256: not null, Damages: 0 } && _random.Next(2) == 0)];
            foreach (IBlock block in damaged)
            {
                Note($"result of block {block.Plan.Index} is damaged");
                _disk[block.Plan.Index].Result = null;
            }
            if (damaged.Length > 0)
            {
                _job.Reopen(damaged);
                return;
            }
        }
        JobSnapshot end = _job.SnapshotOfEnd([], DateTimeOffset.UnixEpoch);
        Note($"end: {end.Status} {end.StopReason}");
        Require(_end is null, "a second end");
        (_end, _stored) = (end, end.Status);
        _job.Show(end);
        _job.TellEnd(end);
    }

    private void Store(JobSnapshot snapshot)
    {
        Require(_end is null, "a status after the end");
        (_stored, _attempt) = (snapshot.Status, snapshot.Attempt);
        _job.Show(snapshot);
    }

    private void Write(IBlock block)
    {
        if (_job.ToWrite(block) is not { } checkpoint)
            return;
        _disk[block.Plan.Index].Checkpoint = checkpoint.Step;
        _job.Written(block, checkpoint.Checkpoint, TimeSpan.Zero);
        Require(!_job.IsSuspect, "a job of which something was stored is a suspect still");
    }

    private void StopCleanly()
    {
        for (int slot = 0; slot < _slots.Length; slot++)
        {
            if (_quanta[slot] is { } begun)
                EndQuantum(slot, _slots[slot]!, begun, mayFail: false);
            if (_slots[slot] is { } block && !_job.IsOver)
                Park(slot, block);
        }
        _job.WriteParked();
        bool drains = _drains;
        _drains = true;
        while (_entries.Count > 0)
            CarryOutNext();
        _drains = drains;
        Kill();
    }

    private void Kill()
    {
        if (_end is not null)
            return;
        Note("kill");
        _entries.Clear();
        Array.Clear(_slots);
        Array.Clear(_quanta);
        (_judging, _pause, _cancelStored) = (null, null, null);
        if (_random.Next(15) == 0)
            _disk[_random.Next(_disk.Length)] = new StoredBlock();
        JobStatus status = _stored;
        if (status == JobStatus.Running)
            (status, _attempt) = (JobStatus.Queued, _attempt + 1);
        _stored = status;
        _job = NewJob(status);
        Restore(status);
        if (_random.Next(2) == 0)
            _job.Suspect();
        _job.Join(null);
        if (_deadlinePassed)
            _job.DecideStop(StopReason.Deadline, null);
        _job.EndIfDone();
        Note($"restart: {_job.State}");
    }

    private void Restore(JobStatus status)
    {
        foreach (IBlock block in _job.Blocks)
        {
            StoredBlock stored = _disk[block.Plan.Index];
            if (stored.Checkpoint is { } step)
                _job.RestoreParked(block.Plan.Index, step);
            if (stored.Result is { } done)
                _job.RestoreDone(block.Plan.Index, done, "sha", new StepReport(done, Done: true) { Statistics = Statistics(done) });
        }
        _job.Recover(status, _storedStop?.Reason, _storedStop?.Step);
    }

    private sealed class StoredBlock
    {
        public int? Checkpoint { get; set; }

        public int? Result { get; set; }
    }
}
