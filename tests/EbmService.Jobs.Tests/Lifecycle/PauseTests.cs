using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

public sealed class PauseTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _permits = new(0);
    private Script _script = new();

    public async ValueTask InitializeAsync()
    {
        await _host.StartAsync();
        _script = _host.Workloads.On(1, new Script { Permits = _permits });
    }

    public async ValueTask DisposeAsync()
    {
        _permits.Release(100_000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Pause_RunningJob_StoresItsChainsAndResumeGoesOnFromThem()
    {
        string id = await RunningAsync();
        JobSnapshot paused = await PauseAsync(id);

        Assert.Equal((JobStatus.Paused, 1), (paused.Status, paused.Step()));
        Assert.Equal(0, _host.Workloads.Alive);
        Assert.True(File.Exists(Path.Combine(_host.Folder, "jobs", id, "checkpoints", "000000.0")));
        Assert.Equal(JobStatus.Paused, (await PauseAsync(id)).Status);

        JobSnapshot resumed = (await _host.Jobs.ResumeAsync(id, default)).OrThrow();
        Assert.True(resumed.Status is JobStatus.Queued or JobStatus.Running);
        _permits.Release(100);
        JobSnapshot end = await _host.EndOfAsync(id);
        Assert.Equal((JobStatus.Succeeded, 1, "0:5;"), (end.Status, end.Attempt, await _host.ReadResultAsync(id)));
        Assert.Equal(5, _script.StepsDone);
    }

    [Fact]
    public async Task Pause_RunningJob_EventsTellEachStateInOrder()
    {
        string id = await RunningAsync();
        Task<List<JobLogEntry>> watch = _host.Jobs.WatchAsync(id, 0, default).ToListAsync().AsTask();
        await PauseAsync(id);
        await _host.Jobs.ResumeAsync(id, default);
        _permits.Release(100);

        Assert.Equal(
            [JobStatus.Queued, JobStatus.Running, JobStatus.Paused, JobStatus.Queued, JobStatus.Running, JobStatus.Succeeded],
            (await watch.WaitAsync(JobsHost.Patience)).OfType<JobChangedEntry>().Select(change => change.Job.Status));
    }

    [Fact]
    public async Task Pause_QueuedJob_HoldsItBack()
    {
        string busy = await RunningAsync();
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 2))).Id;
        Assert.Equal(JobStatus.Paused, (await PauseAsync(id)).Status);
        _permits.Release(100);
        await _host.EndOfAsync(busy);
        await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 3))).Id);

        Assert.DoesNotContain("open 2/0 at 0", _host.Workloads.Journal);
        await _host.Jobs.ResumeAsync(id, default);
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(id)).Status);
    }

    [Fact]
    public async Task Pause_AcrossARestart_StaysPausedAndGoesOnFromItsChains()
    {
        string folder = Directory.CreateTempSubdirectory("ebm-pause-").FullName;
        string id;
        await using (var first = new JobsHost(folder))
        {
            await first.StartAsync();
            Script script = first.Workloads.On(1, new Script { Permits = _permits });
            id = (await first.SubmitAsync(JobsHost.Spec(seed: 1, steps: 5))).Id;
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            await PauseAsync(id, first);
        }
        await using (var second = new JobsHost(folder))
        {
            await second.StartAsync();
            JobSnapshot paused = (await second.Jobs.FindAsync(id, default)).OrThrow();
            Assert.Equal((JobStatus.Paused, 1, 1), (paused.Status, paused.Step(), paused.Attempt));
            await second.EndOfAsync((await second.SubmitAsync(JobsHost.Spec(seed: 3))).Id);
            Assert.DoesNotContain(second.Workloads.Journal, line => line.StartsWith("open 1", StringComparison.Ordinal));
            await second.Jobs.ResumeAsync(id, default);
            await second.EndOfAsync(id);
            Assert.Equal(("0:5;", 1), (await second.ReadResultAsync(id), second.Workloads.Journal.Count(line => line == "open 1/0 at 1")));
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Cancel_PausedJob_KeepsWhatItHas()
    {
        string id = await RunningAsync();
        await PauseAsync(id);

        Assert.True((await _host.Jobs.CancelAsync(id, default)).Succeeded);
        JobSnapshot end = await _host.EndOfAsync(id);
        Assert.Equal((JobStatus.Cancelled, StopReason.Cancelled, "0:1;"), (end.Status, end.StopReason, await _host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task PauseAndResume_EndedOrUnknown_AreRefused()
    {
        string ended = (await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Id;
        string unknown = Guid.NewGuid().ToString("N");

        Assert.Equal(FailureCode.InvalidTransition, (await _host.Jobs.PauseAsync(ended, default)).Failure?.Code);
        Assert.Equal(FailureCode.InvalidTransition, (await _host.Jobs.ResumeAsync(ended, default)).Failure?.Code);
        Assert.Equal(FailureCode.JobNotFound, (await _host.Jobs.PauseAsync(unknown, default)).Failure?.Code);
        Assert.Equal(FailureCode.JobNotFound, (await _host.Jobs.ResumeAsync(unknown, default)).Failure?.Code);
    }

    [Fact]
    public async Task Cancel_WhilePausing_Wins()
    {
        string id = await RunningAsync();
        Task<Outcome<JobSnapshot>> pause = _host.Jobs.PauseAsync(id, default);
        Task<Outcome<JobSnapshot>> cancel = _host.Jobs.CancelAsync(id, default);
        _permits.Release(100);

        Assert.True((await cancel).Succeeded);
        Assert.Equal((JobStatus.Cancelled, "0:1;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
        Assert.NotEqual(JobStatus.Paused, (await pause).Value?.Status);
    }

    [Fact]
    public async Task Resume_WhilePausing_WithdrawsThePause()
    {
        string id = await RunningAsync();
        Task<Outcome<JobSnapshot>> pause = _host.Jobs.PauseAsync(id, default);
        Assert.Equal(JobStatus.Running, (await _host.Jobs.ResumeAsync(id, default)).OrThrow().Status);
        _permits.Release(100);

        Assert.Equal((JobStatus.Succeeded, "0:5;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
        await pause.WaitAsync(JobsHost.Patience);
    }

    [Fact]
    public async Task Pause_InTheLastStep_IsRefusedAndTheJobSucceeds()
    {
        string id = await RunningAsync(steps: 1);
        Task<Outcome<JobSnapshot>> pause = _host.Jobs.PauseAsync(id, default);
        _permits.Release();

        Assert.Equal(FailureCode.InvalidTransition, (await pause).Failure?.Code);
        Assert.Equal((JobStatus.Succeeded, "0:1;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task Pause_DeviceLostMeanwhile_IsPausedAtTheLastCheckpoint()
    {
        bool lost = false;
        Script script = _host.Workloads.On(4, new Script
        {
            Permits = _permits,
            BeforeStep = workload =>
            {
                if (workload.Step != 2 || lost)
                    return;
                lost = true;
                throw new DeviceLostException("gone");
            },
        });
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 4, steps: 5))).Id;
        _permits.Release(2);
        for (int i = 0; i < 3; i++)
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Task<Outcome<JobSnapshot>> pause = _host.Jobs.PauseAsync(id, default);
        _permits.Release();

        JobSnapshot paused = (await pause).OrThrow();
        Assert.Equal((JobStatus.Paused, 0), (paused.Status, paused.Step()));
        await _host.Jobs.ResumeAsync(id, default);
        _permits.Release(100);
        Assert.Equal((JobStatus.Succeeded, "0:5;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
    }

    private async Task<string> RunningAsync(int steps = 5)
    {
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: steps))).Id;
        Assert.True(await _script.Started.WaitAsync(JobsHost.Patience));
        return id;
    }

    /// <summary>Pauses a job that is inside a step, which may then end.</summary>
    private async Task<JobSnapshot> PauseAsync(string id, JobsHost? host = null)
    {
        Task<Outcome<JobSnapshot>> pause = (host ?? _host).Jobs.PauseAsync(id, default);
        if ((host ?? _host).Get<LiveJobs>().Find(id)?.OpenBlocks > 0)
            _permits.Release();
        return (await pause).OrThrow();
    }
}
