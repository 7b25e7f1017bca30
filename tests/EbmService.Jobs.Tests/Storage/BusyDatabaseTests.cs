using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Storage;

/// <summary>A jobs.db that another program holds: jobs go on, requests are told so in time, and nothing is lost.</summary>
public sealed class BusyDatabaseTests : IAsyncLifetime
{
    private const int Busy = 5;

    private readonly JobsHost _host = new() { Settings = { ["Storage:BusySeconds"] = "1" } };
    private readonly SemaphoreSlim _permits = new(0);

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync()
    {
        _permits.Release(1000);
        return _host.DisposeAsync();
    }

    [Fact]
    public async Task SubmitExtendDelete_Held_AreAnsweredBusyAndChangeNothing()
    {
        string ended = (await _host.EndOfAsync((await _host.SubmitAsync()).Id)).Id;
        using (new HeldDatabase(_host.Folder))
        {
            Assert.Equal(FailureCode.StorageBusy, (await InTimeAsync(_host.Jobs.SubmitAsync(JobsHost.Submission(), default))).Failure?.Code);
            Assert.Equal(FailureCode.StorageBusy, (await InTimeAsync(_host.Jobs.ExtendAsync(ended, 1, default))).Failure?.Code);
            Assert.Equal(FailureCode.StorageBusy, (await InTimeAsync(_host.Jobs.DeleteAsync(ended, default))).Failure?.Code);
        }

        Assert.Equal(ended, Assert.Single((await _host.Jobs.ListAsync(new(), default)).OrThrow().Jobs).Id);
        Assert.Equal("0:3;", await _host.ReadResultAsync(ended));
        Assert.Single(Directory.GetDirectories(Path.Combine(_host.Folder, "jobs")));
        Assert.True((await _host.Jobs.DeleteAsync(ended, default)).Succeeded);
    }

    [Fact]
    public async Task RunningJob_HeldUntilItsEnd_EndsWhenTheDatabaseIsFree()
    {
        string id = await RunAsync(steps: 50);
        using (new HeldDatabase(_host.Folder))
        {
            _permits.Release(1000);
            await JobsHost.EventuallyAsync(() => !_host.Workloads.Finished.IsEmpty);
            await Task.Delay(TimeSpan.FromSeconds(2.5), TestContext.Current.CancellationToken);
            Assert.Equal(JobStatus.Running, (await _host.FindAsync(id)).Status);
        }

        Assert.Equal((JobStatus.Succeeded, null), await EndAsync(id));
        Assert.Equal("0:50;", await _host.ReadResultAsync(id));
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("cancel")]
    public async Task PauseAndCancel_Held_AreAnsweredBusyAndStoredLater(string verb)
    {
        string id = await RunAsync(steps: 50);
        using (new HeldDatabase(_host.Folder))
        {
            Task<Outcome<JobSnapshot>> asked = verb == "pause" ? _host.Jobs.PauseAsync(id, default) : _host.Jobs.CancelAsync(id, default);
            _permits.Release(1);
            Assert.Equal(FailureCode.StorageBusy, (await asked.WaitAsync(JobsHost.Patience)).Failure?.Code);
        }

        JobStatus wanted = verb == "pause" ? JobStatus.Paused : JobStatus.Cancelled;
        using var limit = new CancellationTokenSource(JobsHost.Patience);
        while ((await _host.FindAsync(id)).Status != wanted)
            await Task.Delay(5, limit.Token);
    }

    [Fact]
    public async Task Pool_ManyWritersWait_StaysFree()
    {
        Task<Outcome<JobSnapshot>>[] submits;
        using (new HeldDatabase(_host.Folder))
        {
            submits = [.. Enumerable.Range(0, 200).Select(seed => Task.Run(() => _host.Jobs.SubmitAsync(JobsHost.Submission(JobsHost.Spec(seed)), default)))];
            await Task.Delay(100, TestContext.Current.CancellationToken);
            long started = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => { }, TestContext.Current.CancellationToken)));
            Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 0.5);
            await Task.WhenAll(submits);
        }

        Assert.All(submits, submit => Assert.Equal(FailureCode.StorageBusy, submit.Result.Failure?.Code));
        Assert.Empty((await _host.Jobs.ListAsync(new(), default)).OrThrow().Jobs);
    }

    [Fact]
    public async Task Read_Held_IsAnsweredBusyInTime()
    {
        string ended = (await _host.EndOfAsync((await _host.SubmitAsync()).Id)).Id;
        _host.Database.ReadsFailWith = Busy;

        Task<FailureException>[] reads = [.. Enumerable.Range(0, 20).Select(_ => Assert.ThrowsAsync<FailureException>(() => _host.Jobs.FindAsync(ended, default)))];

        Assert.All(await Task.WhenAll(reads).WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken), e => Assert.Equal(FailureCode.StorageBusy, e.Failure.Code));
        _host.Database.ReadsFailWith = 0;
        Assert.Equal(JobStatus.Succeeded, (await _host.FindAsync(ended)).Status);
    }

    [Fact]
    public async Task Write_ManyAtOnce_ShareTransactionsAndOneThatFailsFailsAlone()
    {
        var store = _host.Get<JobStore>();
        JobRow[] rows = [.. Enumerable.Range(0, 64).Select(_ => NewRow(Guid.CreateVersion7().ToString("N")))];
        Task[] writes;
        int before;
        using (new HeldDatabase(_host.Folder))
        {
            before = _host.Database.Commits;
            writes = [.. rows.Append(NewRow(rows[7].Id)).Select(row => store.InsertAsync(row, null))];
        }
        await Task.WhenAll(writes).WaitAsync(JobsHost.Patience, TestContext.Current.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);

        Assert.Equal([64], [.. writes.Index().Where(write => write.Item.IsFaulted).Select(write => write.Index)]);
        Assert.InRange(_host.Database.Commits - before, 1, 4);
        Assert.Equal(64, (await _host.Jobs.ListAsync(new(Limit: 200), default)).OrThrow().Jobs.Count);
    }

    [Fact]
    public async Task Start_Held_IsRefusedWithTheReason()
    {
        await _host.StopAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        await using var sut = new JobsHost(_host.Folder) { Settings = { ["Storage:BusySeconds"] = "1" } };
        using var held = new HeldDatabase(_host.Folder);

        Assert.Contains("jobs.db", (await Assert.ThrowsAsync<StorageUnavailableException>(sut.StartAsync)).Message, StringComparison.Ordinal);
    }

    private static JobRow NewRow(string id) => JobRowMapper.ToRow(
        new JobSnapshot
        {
            Id = id, Status = JobStatus.Cancelled, Models = JobsHost.Submission().Models, Spec = JobsHost.Spec(), Progress = new JobProgress(),
            CreatedAt = DateTimeOffset.UnixEpoch,
        },
        JobPlan.Create(4, 4, _ => 3), epoch: 0);

    private async Task<string> RunAsync(int steps)
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _permits });
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: steps))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        using var limit = new CancellationTokenSource(JobsHost.Patience);
        while ((await _host.FindAsync(id)).Status != JobStatus.Running)
            await Task.Delay(5, limit.Token);
        return id;
    }

    private async Task<(JobStatus, FailureCode?)> EndAsync(string id)
    {
        JobSnapshot end = await _host.EndOfAsync(id);
        return (end.Status, end.Error?.Code);
    }

    private static Task<T> InTimeAsync<T>(Task<T> answer) => answer.WaitAsync(TimeSpan.FromSeconds(6), TestContext.Current.CancellationToken);
}
