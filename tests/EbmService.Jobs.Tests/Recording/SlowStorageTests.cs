using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Recording;

/// <summary>What clients see while the disk is slow, the service stops, or another process took a job over.</summary>
public sealed class SlowStorageTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _permits = new(0);
    private string _id = "";

    public async ValueTask InitializeAsync()
    {
        await _host.StartAsync();
        _host.Workloads.On(1, new Script { Permits = _permits });
        _id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 50))).Id;
        using var limit = new CancellationTokenSource(JobsHost.Patience);
        while ((await FindAsync()).Status != JobStatus.Running)
            await Task.Delay(5, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _host.Database.Holds.Set();
        _permits.Release(1000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Cancel_DiskHangs_AnswersCancellingAfterSomeSeconds()
    {
        HangDisk();

        Outcome<JobSnapshot> answer = await _host.Jobs.CancelAsync(_id, default).WaitAsync(JobsHost.Patience);

        Assert.Equal(JobStatus.Cancelling, answer.OrThrow().Status);
    }

    [Fact]
    public async Task CancelAndWait_ServiceStops_Answer()
    {
        HangDisk();
        Task<Outcome<JobSnapshot>> wait = _host.Jobs.WaitAsync(_id, TimeSpan.FromHours(1), default);
        Task<Outcome<JobSnapshot>> cancel = _host.Jobs.CancelAsync(_id, default);
        _host.Get<EbmService.Jobs.Slots.SlotBoard>().Stop();

        Assert.Equal(JobStatus.Running, (await wait.WaitAsync(JobsHost.Patience)).OrThrow().Status);
        Assert.Equal(FailureCode.ShuttingDown, (await cancel.WaitAsync(JobsHost.Patience)).Failure?.Code);
    }

    [Fact]
    public async Task End_JobTakenOverByAnotherProcess_IsNeitherAnnouncedNorCleanedUp()
    {
        await _host.EditBeforeStartAsync(_id, row => row.Epoch++);
        Task<List<JobLogEntry>> watch = _host.Jobs.WatchAsync(_id, 0, default).ToListAsync().AsTask();
        Task<Outcome<JobSnapshot>> wait = _host.Jobs.WaitAsync(_id, TimeSpan.FromHours(1), default);
        _permits.Release(100);

        Assert.Equal(JobStatus.Running, (await wait.WaitAsync(JobsHost.Patience)).OrThrow().Status);
        Assert.DoesNotContain(await watch.WaitAsync(JobsHost.Patience), entry => entry is JobChangedEntry { Job.Status: JobStatus.Succeeded });
        Assert.True(Directory.Exists(Path.Combine(_host.Folder, "jobs", _id, "blocks")));
    }

    [Fact]
    public async Task List_RowBehindTheLiveJob_KeepsToTheStatusAskedFor()
    {
        await _host.EditBeforeStartAsync(_id, row => row.Status = JobStatus.Queued);

        Assert.Empty((await _host.Jobs.ListAsync(new(Status: JobStatus.Queued), default)).OrThrow().Jobs);
    }

    private async Task<JobSnapshot> FindAsync() => (await _host.Jobs.FindAsync(_id, default)).OrThrow();

    /// <summary>What is stored from now on waits.</summary>
    private void HangDisk() => _host.Database.Holds.Reset();
}
