using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

/// <summary>Requests that change jobs while the database can't write.</summary>
public sealed class FullDatabaseTests : IAsyncLifetime
{
    private const int Full = 13;

    private readonly JobsHost _host = new();

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(Full, false)]
    [InlineData(Full, true)]
    [InlineData(10, false)]
    [InlineData(8, true)]
    [InlineData(14, false)]
    public async Task SubmitAndExtend_DatabaseCannotWrite_AreRefusedAndLeaveNoTrace(int code, bool onlyAtCommit)
    {
        string ended = await RunAsync();
        (_host.Database.FailsWith, _host.Database.OnlyAtCommit) = (code, onlyAtCommit);

        Assert.Equal(FailureCode.StorageFailed, (await _host.Jobs.SubmitAsync(JobsHost.Submission(), default)).Failure?.Code);
        Assert.Equal(FailureCode.StorageFailed, (await _host.Jobs.ExtendAsync(ended, 1, default)).Failure?.Code);
        _host.Database.FailsWith = 0;
        Assert.Single((await _host.Jobs.ListAsync(new(), default)).OrThrow().Jobs);
        Assert.Single(Directory.GetDirectories(Path.Combine(_host.Folder, "jobs")));
        Assert.Equal(JobStatus.Succeeded, (await _host.FindAsync(await RunAsync())).Status);
    }

    [Fact]
    public async Task Delete_DatabaseCannotWrite_MakesRoomAndWorksLater()
    {
        string id = await RunAsync();
        _host.Database.FailsWith = Full;

        Assert.Equal(FailureCode.StorageFailed, (await _host.Jobs.DeleteAsync(id, default)).Failure?.Code);
        Assert.False(Directory.Exists(Path.Combine(_host.Folder, "jobs", id)));
        Assert.Equal(JobStatus.Succeeded, (await _host.FindAsync(id)).Status);
        Assert.Equal(FailureCode.ResultNotFound, (await _host.Jobs.OpenResultAsync(id, "samples.txt", default)).Failure?.Code);
        Assert.Equal(FailureCode.InvalidTransition, (await _host.Jobs.ExtendAsync(id, 1, default)).Failure?.Code);
        _host.Database.FailsWith = 0;
        Assert.True((await _host.Jobs.DeleteAsync(id, default)).Succeeded);
        Assert.Equal(FailureCode.JobNotFound, (await _host.Jobs.FindAsync(id, default)).Failure?.Code);
    }

    [Fact]
    public async Task Cancel_DatabaseCannotWrite_IsToldSoAndStoredOnceThereIsRoom()
    {
        var permits = new SemaphoreSlim(0);
        Script script = _host.Workloads.On(2, new Script { Permits = permits });
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 2, steps: 50))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await JobsHost.EventuallyAsync(() => Recorded(id) == JobStatus.Running);

        await RefusedAsync(() => _host.Jobs.CancelAsync(id, default), JobStatus.Running);
        await JobsHost.EventuallyAsync(() => Recorded(id) == JobStatus.Cancelling);
        permits.Release(100);
        Assert.Equal(JobStatus.Cancelled, (await _host.EndOfAsync(id)).Status);
    }

    [Fact]
    public async Task PauseAndResume_DatabaseCannotWrite_AreToldSoAndStoredOnceThereIsRoom()
    {
        var permits = new SemaphoreSlim(0);
        Script script = _host.Workloads.On(2, new Script { Permits = permits });
        string busy = (await _host.SubmitAsync(JobsHost.Spec(seed: 2, steps: 50))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 3))).Id;

        await RefusedAsync(() => _host.Jobs.PauseAsync(id, default), JobStatus.Queued);
        await JobsHost.EventuallyAsync(() => Recorded(id) == JobStatus.Paused);
        await RefusedAsync(() => _host.Jobs.ResumeAsync(id, default), JobStatus.Paused);
        await JobsHost.EventuallyAsync(() => Recorded(id) == JobStatus.Queued);
        permits.Release(100);
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(id)).Status);
        await _host.EndOfAsync(busy);
    }

    private async Task RefusedAsync(Func<Task<Outcome<JobSnapshot>>> ask, JobStatus shown)
    {
        _host.Database.FailsWith = Full;
        Failure? failure = (await ask()).Failure;
        Assert.Equal(FailureCode.StorageFailed, failure?.Code);
        Assert.Contains("not stored yet", failure!.Message, StringComparison.Ordinal);
        Assert.Equal(shown, (await _host.Jobs.ListAsync(new(), default)).OrThrow().Jobs[0].Status);
        _host.Database.FailsWith = 0;
    }

    private JobStatus? Recorded(string id) => _host.Get<LiveJobs>().Find(id)?.Recorded.Status;

    private async Task<string> RunAsync() => (await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id)).Id;
}
