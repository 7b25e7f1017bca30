using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>The transition table of a job: every method in every state, what it answers and where the job is then.</summary>
public sealed class JobTransitionTests
{
    private const JobState Queued = JobState.Queued, Running = JobState.Running, Pausing = JobState.Pausing, Paused = JobState.Paused,
        Stopping = JobState.Stopping, Finishing = JobState.Finishing, Closing = JobState.Closing, Cancelling = JobState.Cancelling,
        Ending = JobState.Ending, Ended = JobState.Ended;

    private const JobChange Made = JobChange.Made, Already = JobChange.Already, Refused = JobChange.Refused;

    /// <summary>In the order of <see cref="JobState"/>; of the two blocks one is on a slot where the state allows it, the other is parked.</summary>
    private static readonly Dictionary<string, (JobChange Answer, JobState Then)[]> Table = new()
    {
        ["Cancel"] =
        [
            (Made, Cancelling), (Made, Cancelling), (Made, Cancelling), (Made, Cancelling), (Made, Cancelling),
            (Made, Cancelling), (Refused, Closing), (Already, Cancelling), (Refused, Ending), (Refused, Ended),
        ],
        ["Pause"] =
        [
            (Made, Paused), (Made, Pausing), (Already, Pausing), (Already, Paused), (Refused, Stopping),
            (Refused, Finishing), (Refused, Closing), (Refused, Cancelling), (Refused, Ending), (Refused, Ended),
        ],
        ["Resume"] =
        [
            (Already, Queued), (Already, Running), (Made, Running), (Made, Queued), (Already, Stopping),
            (Already, Finishing), (Already, Closing), (Already, Cancelling), (Already, Ending), (Refused, Ended),
        ],
        ["DecideStop"] =
        [
            (Made, Stopping), (Made, Stopping), (Made, Stopping), (Made, Stopping), (Refused, Stopping),
            (Refused, Finishing), (Refused, Closing), (Refused, Cancelling), (Refused, Ending), (Refused, Ended),
        ],
        ["EnterStop here"] =
        [
            (Refused, Queued), (Refused, Running), (Refused, Pausing), (Refused, Paused), (Made, Closing),
            (Refused, Finishing), (Refused, Closing), (Refused, Cancelling), (Refused, Ending), (Refused, Ended),
        ],
        ["EnterStop at a step"] =
        [
            (Refused, Queued), (Refused, Running), (Refused, Pausing), (Refused, Paused), (Made, Finishing),
            (Refused, Finishing), (Refused, Closing), (Refused, Cancelling), (Refused, Ending), (Refused, Ended),
        ],
        ["Fail"] =
        [
            (Made, Ending), (Made, Ending), (Made, Ending), (Made, Ending), (Made, Ending),
            (Made, Ending), (Made, Ending), (Made, Ending), (Refused, Ending), (Refused, Ended),
        ],
        ["Fail over an end"] =
        [
            (Made, Ending), (Made, Ending), (Made, Ending), (Made, Ending), (Made, Ending),
            (Made, Ending), (Made, Ending), (Made, Ending), (Made, Ending), (Refused, Ended),
        ],
        ["Judged, goes on"] =
        [
            (Made, Queued), (Made, Running), (Refused, Pausing), (Refused, Paused), (Refused, Stopping),
            (Refused, Finishing), (Refused, Closing), (Refused, Cancelling), (Refused, Ending), (Refused, Ended),
        ],
        ["Judged, stops"] =
        [
            (Made, Stopping), (Made, Stopping), (Refused, Pausing), (Refused, Paused), (Refused, Stopping),
            (Refused, Finishing), (Refused, Closing), (Refused, Cancelling), (Refused, Ending), (Refused, Ended),
        ],
        ["Reopen"] =
        [
            (Refused, Queued), (Refused, Running), (Refused, Pausing), (Refused, Paused), (Refused, Stopping),
            (Refused, Finishing), (Refused, Closing), (Refused, Cancelling), (Made, Running), (Refused, Ended),
        ],
        ["Abandon"] =
        [
            (Made, Ended), (Made, Ended), (Made, Ended), (Made, Ended), (Made, Ended),
            (Made, Ended), (Made, Ended), (Made, Ended), (Made, Ended), (Already, Ended),
        ],
        ["RetryModel"] = Stays(),
        ["Suspect"] = Stays(),
        ["StorageRefused"] = Stays(),
        ["Show an end"] =
        [
            (Made, Ended), (Made, Ended), (Made, Ended), (Made, Ended), (Made, Ended),
            (Made, Ended), (Made, Ended), (Made, Ended), (Made, Ended), (Refused, Ended),
        ],
    };

    /// <summary>What becomes of the block on a slot, in the states in which one is there: Running, Pausing, Stopping, Finishing, Closing, Cancelling.</summary>
    private static readonly Dictionary<string, JobState[]> BlockTable = new()
    {
        ["Park"] = [Running, Paused, Stopping, Finishing, Closing, Cancelling],
        ["Finish"] = [Running, Paused, Stopping, Finishing, Closing, Cancelling],
        ["Close without a result"] = [Running, Paused, Stopping, Finishing, Closing, Cancelling],
        ["Fail"] = [Ending, Ending, Ending, Ending, Closing, Cancelling],
        ["Lose"] = [Running, Paused, Stopping, Finishing, Closing, Cancelling],
        ["AwaitModel"] = [Running, Paused, Stopping, Finishing, Closing, Cancelling],
        ["AwaitModel for too long"] = [Ending, Ending, Ending, Ending, Closing, Cancelling],
    };

    private static readonly JobState[] WithABlockOnASlot = [Running, Pausing, Stopping, Finishing, Closing, Cancelling];

    public static TheoryData<string, string> Cells()
    {
        var cells = new TheoryData<string, string>();
        foreach (string method in Table.Keys)
        {
            foreach (string state in Enum.GetNames<JobState>())
                cells.Add(method, state);
        }
        return cells;
    }

    public static TheoryData<string, string> BlockCells()
    {
        var cells = new TheoryData<string, string>();
        foreach (string method in BlockTable.Keys)
        {
            foreach (JobState state in WithABlockOnASlot)
                cells.Add(method, state.ToString());
        }
        return cells;
    }

    [Fact]
    public void Table_EveryMethod_HasARowForEveryState() =>
        Assert.All(Table.Values, row => Assert.Equal(Enum.GetValues<JobState>().Length, row.Length));

    [Theory]
    [MemberData(nameof(Cells))]
    public void Method_InState_AnswersAndMovesAsTheTableSays(string method, string stateName)
    {
        JobState state = Enum.Parse<JobState>(stateName);
        Job sut = In(state);
        JobChange answer = Call(sut, method);

        Assert.Equal(Table[method][(int)state], (answer, sut.State));
    }

    [Theory]
    [MemberData(nameof(BlockCells))]
    public void BlockEvent_InState_MovesTheJobAsTheTableSays(string method, string stateName)
    {
        JobState state = Enum.Parse<JobState>(stateName);
        Job sut = In(state);
        IBlock block = sut.Blocks.Single(block => block.State == BlockState.Open);
        switch (method)
        {
            case "Park":
                sut.Park(block, [1], TimeSpan.Zero, write: false);
                break;
            case "Finish":
                sut.Finish(block, [1], null);
                break;
            case "Close without a result":
                sut.Finish(block, null, null);
                break;
            case "Fail":
                sut.FailBlock(block, AnyFailure);
                break;
            case "AwaitModel":
                Assert.Equal(Already, sut.AwaitModel(block, AnyFailure, TimeSpan.MaxValue));
                break;
            case "AwaitModel for too long":
                if (sut.AwaitModel(block, AnyFailure, TimeSpan.Zero) == Refused)
                    sut.FailBlock(block, AnyFailure);
                break;
            default:
                sut.Lose(block);
                break;
        }

        Assert.Equal(BlockTable[method][Array.IndexOf(WithABlockOnASlot, state)], sut.State);
        Assert.Equal(0, sut.OpenBlocks);
    }

    [Theory]
    [InlineData(nameof(JobState.Running))]
    [InlineData(nameof(JobState.Finishing))]
    [InlineData(nameof(JobState.Closing))]
    [InlineData(nameof(JobState.Cancelling))]
    public void AwaitModel_BlockWithACheckpoint_IsOfferedAgainAtTheRetry(string stateName)
    {
        Job sut = In(Enum.Parse<JobState>(stateName));
        IBlock block = sut.Blocks.Single(block => block.State == BlockState.Open);
        sut.AwaitModel(block, AnyFailure, TimeSpan.MaxValue);

        Assert.Equal((BlockState.Parked, 1), (block.State, block.Step));
        Assert.Null(sut.TryOpen() ?? sut.TryOpenToClose());
        sut.RetryModel();
        Assert.NotNull(sut.TryOpen() ?? sut.TryOpenToClose());
    }

    [Fact]
    public void AwaitModel_ClosedJobsBlockWithoutACheckpoint_IsRefused()
    {
        Job sut = NewJob(new FakeDuties());
        sut.Join(null);
        IBlock block = sut.TryOpen()!;
        sut.Cancel();

        Assert.Equal(Refused, sut.AwaitModel(block, AnyFailure, TimeSpan.MaxValue));
        Assert.Equal(BlockState.Open, block.State);
    }

    [Theory]
    [InlineData(nameof(JobState.Ending))]
    [InlineData(nameof(JobState.Ended))]
    public void AwaitModel_OverJob_IsRefused(string stateName)
    {
        Job sut = In(Enum.Parse<JobState>(stateName));

        Assert.Equal(Refused, sut.AwaitModel(sut.Blocks[0], AnyFailure, TimeSpan.MaxValue));
    }

    [Theory]
    [InlineData(nameof(JobState.Ending))]
    [InlineData(nameof(JobState.Ended))]
    public void OpenAndBegin_OverJob_GiveNothing(string stateName)
    {
        Job sut = In(Enum.Parse<JobState>(stateName));

        Assert.Null(sut.TryOpen());
        Assert.Null(sut.TryOpenToClose());
        Assert.False(sut.Begin(sut.Blocks[1]));
    }

    [Fact]
    public void Pause_LastOpenBlockFinishesWhileOthersWait_IsComplete()
    {
        Job sut = In(Pausing);
        Task stored = sut.Pause().Stored;
        sut.Finish(sut.Blocks.Single(block => block.State == BlockState.Open), [1], null);

        Assert.Equal(Paused, sut.State);
        Assert.False(stored.IsCompleted);
    }

    [Fact]
    public void Recover_VerdictAtALaterStep_LeavesNoEarlierBarrier()
    {
        var duties = new FakeDuties();
        Job sut = NewJob(duties);
        sut.RestoreParked(0, 2);
        sut.Recover(JobStatus.Queued, SamplingJob.UntilEss, 9);
        sut.Join(null);
        IBlock block = sut.TryOpen()!;
        sut.Advance(block, new StepReport(6, Done: false));
        sut.Arrive(block);

        Assert.Equal((Finishing, false, 9), (sut.State, block.AtBarrier, sut.LimitsFor(block).StepLimit));
    }

    [Fact]
    public void Arrive_EveryBlock_IsJudgedOnce()
    {
        var duties = new FakeDuties();
        Job sut = NewJob(duties);
        sut.Join(null);
        foreach (IBlock block in new[] { sut.TryOpen()!, sut.TryOpen()! })
        {
            sut.Begin(block);
            sut.Advance(block, new StepReport(3, Done: false));
            sut.Arrive(block);
            sut.Arrive(block);
        }

        Assert.Equal([3], duties.Judgements);
        Assert.Equal(Made, sut.Judged(3, JobStatistics.None));
        Assert.Equal(6, sut.LimitsFor(sut.Blocks[0]).StepLimit);
    }

    private static JobChange Call(Job job, string method) => method switch
    {
        "Cancel" => job.Cancel().Change,
        "Pause" => job.Pause().Change,
        "Resume" => job.Resume().Change,
        "DecideStop" => job.DecideStop(StopReason.Deadline, null),
        "EnterStop here" => job.EnterStop(StopReason.Deadline, null),
        "EnterStop at a step" => job.EnterStop(SamplingJob.UntilEss, 9),
        "Fail" => job.Fail(AnyFailure),
        "Fail over an end" => job.Fail(AnyFailure, overrulesEnd: true),
        "Judged, goes on" => job.Judged(3, JobStatistics.None),
        "Judged, stops" => job.Judged(3, JobStatistics.None with { Verdict = SamplingJob.UntilEss }),
        "Reopen" => job.Reopen([job.Blocks[0]]),
        "Abandon" => job.Abandon(),
        "RetryModel" => Do(job.RetryModel),
        "Suspect" => Do(job.Suspect),
        "StorageRefused" => Do(job.StorageRefused),
        _ => job.Show(job.Recorded with { Status = JobStatus.Succeeded }),
    };

    private static JobChange Do(Action method)
    {
        method();
        return Made;
    }

    /// <summary>The row of a method that moves the job in no state.</summary>
    private static (JobChange Answer, JobState Then)[] Stays() => [.. Enum.GetValues<JobState>().Select(state => (Made, state))];

    /// <summary>A job of two blocks in that state, both with chains.</summary>
    private static Job In(JobState state)
    {
        Job job = NewJob(new FakeDuties());
        job.RestoreParked(0, 1);
        job.RestoreParked(1, 1);
        job.Join(null);
        if (state is Queued)
            return job;
        if (state is Paused)
        {
            job.Pause();
            return job;
        }
        IBlock block = job.TryOpen()!;
        job.Begin(block);
        if (state is Pausing)
            job.Pause();
        if (state is Stopping or Finishing or Closing)
            job.DecideStop(StopReason.Deadline, null);
        if (state is Finishing)
            job.EnterStop(SamplingJob.UntilEss, 9);
        if (state is Closing)
            job.EnterStop(StopReason.Deadline, null);
        if (state is Cancelling)
            job.Cancel();
        if (state is Ending)
        {
            job.Finish(block, [1], null);
            job.Finish(job.TryOpen()!, [1], null);
        }
        if (state is Ended)
            job.Abandon();
        Assert.Equal(state, job.State);
        return job;
    }

    private static Job NewJob(FakeDuties duties)
    {
        SamplingSpec spec = JobsHost.Spec(chains: 8, steps: 100) with { Stop = new StopRules(UntilEss: 7, CheckEvery: 3) };
        var snapshot = new JobSnapshot
        {
            Id = new string('0', 32), Status = JobStatus.Queued, Models = JobModel.Only(new ModelReference("m", "1", "sha256:00")), Spec = spec,
            Progress = new JobProgress(), CreatedAt = DateTimeOffset.UnixEpoch,
        };
        return new Job(snapshot, JobPlan.Create(spec.Chains, spec.BlockSize, _ => spec.Steps), epoch: 0, duties, TimeProvider.System);
    }

    private static Failure AnyFailure { get; } = new(FailureCode.Internal, "any");

}
