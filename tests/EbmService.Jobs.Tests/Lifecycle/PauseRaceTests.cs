using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>Pauses that meet something else on their way.</summary>
public sealed class PauseRaceTests : IAsyncLifetime
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
}
