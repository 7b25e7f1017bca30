using EbmService.Core.Failures;
using EbmService.Core.Jobs;
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

    private async Task<string> RunAsync() => (await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id)).Id;
}
