using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>Jobs whose model is away or damaged: nothing of them is lost by that.</summary>
public sealed class ModelAwayTests : IAsyncLifetime
{
    private const string Reason = "The model 'm' is unavailable: its weights are damaged.";

    private readonly JobsHost _host = new() { Settings = { ["Worker:Slots"] = "1", ["Worker:ModelWaitSeconds"] = "2" } };

    public async ValueTask InitializeAsync()
    {
        _host.Workloads.OnOpen = _host.Assembler.OnAssemble = _host.Models.ThrowIfAway;
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

    [Fact]
    public async Task EndOfAJob_ModelComesBackInTime_KeepsAllItsWork()
    {
        string id = await EndWithoutModelAsync();
        JobStatus waiting = await ComeBackAtTheNextLookAsync(id);

        Assert.Equal(JobStatus.Running, waiting);
        Assert.Equal((JobStatus.Succeeded, "0:5;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task EndOfAJob_ModelStaysAway_FailsAfterTheConfiguredTime()
    {
        JobSnapshot end = await _host.EndOfAsync(await EndWithoutModelAsync());

        Assert.Equal((JobStatus.Failed, FailureCode.ModelUnavailable), (end.Status, end.Error!.Code));
        Assert.Contains("sha256:00", end.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EndOfAJob_ProcessStopsWhileModelIsAway_TheNextOneMakesTheFiles()
    {
        await _host.StopAsync();
        _host.Settings["Worker:ModelWaitSeconds"] = "3600";
        await _host.StartAsync();
        var tried = new TaskCompletionSource();
        _host.Assembler.OnAssemble = () =>
        {
            tried.TrySetResult();
            _host.Models.ThrowIfAway();
        };
        string id = await EndWithoutModelAsync();
        await tried.Task.WaitAsync(JobsHost.Patience);
        await _host.StopAsync();
        _host.Models.Away = null;
        await _host.StartAsync();

        Assert.Equal((JobStatus.Succeeded, "0:5;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task CancelledJob_ModelComesBackInTime_KeepsWhatItsParkedBlocksHave()
    {
        string id = await CancelPausedWithoutModelAsync();
        JobStatus waiting = await ComeBackAtTheNextLookAsync(id);

        Assert.Equal(JobStatus.Cancelling, waiting);
        Assert.Equal((JobStatus.Cancelled, "0:1;"), ((await _host.EndOfAsync(id)).Status, await _host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task CancelledJob_ModelStaysAway_IsCancelledWithoutFiles()
    {
        JobSnapshot parked = await _host.EndOfAsync(await CancelPausedWithoutModelAsync());
        _host.Models.Away = null;
        Task<JobSnapshot> finished = _host.EndOfAsync(await EndWithoutModelAsync(cancel: true));

        Assert.Equal((JobStatus.Cancelled, 0), (parked.Status, parked.Results.Count));
        Assert.Equal((JobStatus.Cancelled, 0), ((await finished).Status, (await finished).Results.Count));
    }

    /// <summary>A job of 5 steps whose model goes away once its block is open.</summary>
    private async Task<string> EndWithoutModelAsync(bool cancel = false)
    {
        var permits = new SemaphoreSlim(0);
        Script script = _host.Workloads.On(3, new Script { Permits = permits });
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 3, steps: 5))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        _host.Models.Away = Reason;
        Task cancelled = cancel ? _host.Jobs.CancelAsync(id, default) : Task.CompletedTask;
        permits.Release(100);
        await cancelled;
        return id;
    }

    /// <summary>A job that is cancelled when its only block is parked at step 1 and its model is away.</summary>
    private async Task<string> CancelPausedWithoutModelAsync()
    {
        var permits = new SemaphoreSlim(0);
        Script script = _host.Workloads.On(4, new Script { Permits = permits });
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 4, steps: 5))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Task pause = _host.Jobs.PauseAsync(id, default);
        permits.Release();
        await pause;
        await JobsHost.EventuallyAsync(() => _host.Get<LiveJobs>().Find(id)!.Recorded.Status == JobStatus.Paused);
        _host.Models.Away = Reason;
        Assert.True((await _host.Jobs.CancelAsync(id, default)).Succeeded);
        return id;
    }

    /// <summary>Lets the model come back when the service looks for it again.</summary>
    /// <returns>The job's status until then.</returns>
    private async Task<JobStatus> ComeBackAtTheNextLookAsync(string id)
    {
        var looked = new TaskCompletionSource<JobStatus>();
        _host.Models.OnRefresh = () =>
        {
            looked.TrySetResult(_host.Get<LiveJobs>().Find(id)!.Recorded.Status);
            _host.Models.Away = null;
        };
        return await looked.Task.WaitAsync(JobsHost.Patience);
    }
}
