using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>Jobs whose model is away or damaged: nothing of them is lost by that.</summary>
public sealed class ModelAwayTests : IAsyncLifetime
{
    private const string Reason = "The model 'm' is unavailable: its weights are damaged.";

    private readonly JobsHost _host = new() { Settings = { ["Worker:Slots"] = "1", ["Worker:ModelWaitSeconds"] = "2" } };

    public async ValueTask InitializeAsync()
    {
        _host.Workloads.OnOpen = _host.Models.ThrowIfAway;
        await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Resume_ModelAway_IsRefusedWithVersionAndDigestAndTheJobStaysPaused()
    {
        var permits = new SemaphoreSlim(0);
        Script script = _host.Workloads.On(1, new Script { Permits = permits });
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 5))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Task<Outcome<JobSnapshot>> pause = _host.Jobs.PauseAsync(id, default);
        permits.Release(100);
        Assert.Equal(JobStatus.Paused, (await pause).OrThrow().Status);
        _host.Models.Away = Reason;
        Failure? refusal = (await _host.Jobs.ResumeAsync(id, default)).Failure;

        Assert.Equal(FailureCode.ModelUnavailable, refusal?.Code);
        Assert.Contains("version '1' of the model 'm' with the digest sha256:00", refusal!.Message, StringComparison.Ordinal);
        Assert.Equal(JobStatus.Paused, (await _host.FindAsync(id)).Status);

        // The refusal looks for the model again: an operator who has put it back needs no restart.
        _host.Models.OnRefresh = () => _host.Models.Away = null;
        Assert.True((await _host.Jobs.ResumeAsync(id, default)).Succeeded);
        Assert.Equal((JobStatus.Succeeded, "0:5;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task QueuedJob_ModelComesBackInTime_Runs()
    {
        _host.Models.Away = Reason;
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, chains: 8))).Id;
        await Task.Delay(200);
        Assert.False((await _host.FindAsync(id)).Status.IsTerminal());
        _host.Models.OnRefresh = () => _host.Models.Away = null;

        Assert.Equal((JobStatus.Succeeded, "0:3;1:3;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task QueuedJob_ModelStaysAway_FailsAfterTheConfiguredTimeAndNothingElseDoes()
    {
        _host.Models.Away = Reason;
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id;
        JobSnapshot end = await _host.EndOfAsync(id);

        Assert.Equal((JobStatus.Failed, FailureCode.ModelUnavailable), (end.Status, end.Error!.Code));
        Assert.Contains("sha256:00", end.Error.Message, StringComparison.Ordinal);
        _host.Models.Away = null;
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Status);
    }

    [Fact]
    public async Task WaitingJob_CancelledOrPaused_ObeysAtOnce()
    {
        _host.Models.Away = Reason;
        string cancelled = (await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id;
        string paused = (await _host.SubmitAsync(JobsHost.Spec(seed: 2))).Id;
        await Task.Delay(200);

        Assert.True((await _host.Jobs.CancelAsync(cancelled, default)).Succeeded);
        Assert.Equal(JobStatus.Cancelled, (await _host.EndOfAsync(cancelled)).Status);
        Assert.Equal(JobStatus.Paused, (await _host.Jobs.PauseAsync(paused, default)).OrThrow().Status);
    }
}
