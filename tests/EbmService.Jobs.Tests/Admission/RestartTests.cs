using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

public sealed class RestartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-restart-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Start_AfterAStop_RunningGoesOnCancellingEndsQueuedStays()
    {
        string running, cancelling, queued, ended;
        await using (var first = new JobsHost(_folder))
        {
            await first.StartAsync();
            ended = (await first.EndOfAsync((await first.SubmitAsync(JobsHost.Spec(seed: 9))).Id)).Id;
            var permits = new SemaphoreSlim(0);
            Script script = first.Workloads.On(1, new Script { Permits = permits });
            running = (await first.SubmitAsync(JobsHost.Spec(seed: 1, steps: 50))).Id;
            cancelling = (await first.SubmitAsync(JobsHost.Spec(seed: 2))).Id;
            queued = (await first.SubmitAsync(JobsHost.Spec(seed: 3))).Id;
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            await first.StopAfterAsync(() => permits.Release(50));
        }
        await using var second = new JobsHost(_folder);
        await second.EditBeforeStartAsync(cancelling, row => row.Status = JobStatus.Cancelling);
        Directory.CreateDirectory(Path.Combine(_folder, "jobs", new string('0', 32)));
        await File.WriteAllTextAsync(Path.Combine(_folder, "jobs", ended, "results", "x.tmp"), "cut short");
        Directory.CreateDirectory(Path.Combine(_folder, "jobs", ended, "blocks"));
        await second.StartAsync();

        JobSnapshot again = await second.EndOfAsync(running);
        Assert.Equal((JobStatus.Succeeded, 2), (again.Status, again.Attempt));
        Assert.Equal("0:50;", await second.ReadResultAsync(running));
        Assert.Contains("open 1/0 at 1", second.Workloads.Journal);
        Assert.Equal(49, second.Workloads.Journal.Count(line => line == "step 1/0"));
        Assert.Equal(JobStatus.Cancelled, (await second.EndOfAsync(cancelling)).Status);
        JobSnapshot stayed = await second.EndOfAsync(queued);
        Assert.Equal((JobStatus.Succeeded, 1), (stayed.Status, stayed.Attempt));
        Assert.Equal("0:3;", await second.ReadResultAsync(ended));
        Assert.False(Directory.Exists(Path.Combine(_folder, "jobs", new string('0', 32))));
        Assert.False(File.Exists(Path.Combine(_folder, "jobs", ended, "results", "x.tmp")));
        Assert.False(Directory.Exists(Path.Combine(_folder, "jobs", ended, "blocks")));
    }

    [Fact]
    public async Task Start_AfterAKillRightAfterTheEnds_RemovesWhatEndedJobsDoNotNeed()
    {
        string succeeded, failed, cancelled, overdue;
        await using (var first = new JobsHost(_folder))
        {
            await first.StartAsync();
            first.Workloads.On(2, new Script { BeforeStep = _ => throw new InvalidOperationException("fails") });
            succeeded = (await first.EndOfAsync((await first.SubmitAsync(JobsHost.Spec(seed: 1))).Id)).Id;
            failed = (await first.EndOfAsync((await first.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Id;
            cancelled = (await first.EndOfAsync((await first.SubmitAsync(JobsHost.Spec(seed: 3))).Id)).Id;
            overdue = (await first.EndOfAsync((await first.SubmitAsync(JobsHost.Spec(seed: 4))).Id)).Id;
        }
        await using var sut = new JobsHost(_folder);
        await sut.EditBeforeStartAsync(cancelled, row => (row.Status, row.StopReason) = (JobStatus.Cancelled, StopReason.Cancelled));
        await sut.EditBeforeStartAsync(overdue, row => row.StopReason = StopReason.Deadline);
        foreach (string id in new[] { succeeded, failed, cancelled, overdue })
        {
            foreach (string kind in new[] { "blocks", "checkpoints", "inputs", "results" })
                Directory.CreateDirectory(Path.Combine(_folder, "jobs", id, kind));
        }
        await sut.StartAsync();

        Assert.Equal(["checkpoints", "inputs", "results"], Kinds(succeeded));
        Assert.Equal(["results"], Kinds(cancelled));
        Assert.Equal(["results"], Kinds(overdue));
        Assert.False(Directory.Exists(Path.Combine(_folder, "jobs", failed)));
        Assert.Equal(JobStatus.Succeeded, (await sut.EndOfAsync((await sut.Jobs.ExtendAsync(succeeded, 1, default)).OrThrow().Id)).Status);
    }

    private string[] Kinds(string id) =>
        [.. Directory.GetDirectories(Path.Combine(_folder, "jobs", id)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Stop_MoreJobsThanPlaces_ParkedAndOpenOnesGoOnWhereTheyWere()
    {
        Dictionary<string, int> steps = [];
        await using (var first = new JobsHost(_folder))
        {
            first.Settings["Worker:OpenBlocksPerSlot"] = "1";
            first.Settings["Worker:QuantumMilliseconds"] = "1000";
            await first.StartAsync();
            var permits = new SemaphoreSlim(0);
            for (int seed = 1; seed <= 3; seed++)
                first.Workloads.On(seed, new Script { Permits = permits, BeforeStep = _ => first.Queries.AskAsync(JobsHost.Query(1), default) });
            for (int seed = 1; seed <= 3; seed++)
                steps[(await first.SubmitAsync(JobsHost.Spec(seed: seed, steps: 50))).Id] = 0;
            permits.Release(20);
            await JobsHost.EventuallyAsync(() => first.Workloads.Journal.Count(line => line.StartsWith("step", StringComparison.Ordinal)) == 20);
            await first.StopAfterAsync(() => permits.Release());
            for (int seed = 1; seed <= 3; seed++)
                steps[steps.Keys.ElementAt(seed - 1)] = first.Workloads.Journal.Count(line => line == $"step {seed}/0");
        }
        await using var second = new JobsHost(_folder);
        await second.StartAsync();

        foreach ((string id, int seed) in steps.Keys.Select((id, i) => (id, i + 1)))
        {
            await second.EndOfAsync(id);
            Assert.Equal("0:50;", await second.ReadResultAsync(id));
            Assert.Equal(50 - steps[id], second.Workloads.Journal.Count(line => line == $"step {seed}/0"));
        }
        Assert.Equal(21, steps.Values.Sum());
        Assert.True(steps.Values.Count(done => done > 0) > 1);
    }

    [Fact]
    public async Task Watch_AcrossARestart_NumbersGoOnRising()
    {
        string id;
        const long seen = 1000;
        await using (var first = new JobsHost(_folder))
        {
            await first.StartAsync();
            var permits = new SemaphoreSlim(0);
            Script script = first.Workloads.On(1, new Script { Permits = permits });
            id = (await first.SubmitAsync(JobsHost.Spec(seed: 1, steps: 50))).Id;
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            await first.StopAfterAsync(() => permits.Release(50));
        }
        await using var second = new JobsHost(_folder);
        await second.StartAsync();
        List<JobLogEntry> events = await second.Jobs.WatchAsync(id, seen, default).ToListAsync();

        Assert.True(events[0].Sequence > seen);
        Assert.Equal(JobStatus.Succeeded, Assert.IsType<JobChangedEntry>(events[^1]).Job.Status);
    }

    [Fact]
    public async Task Submit_AfterTheStopBegan_IsShuttingDown()
    {
        await using var host = new JobsHost(_folder);
        await host.StartAsync();
        host.Get<EbmService.Jobs.Slots.SlotBoard>().Stop();

        Assert.Equal(FailureCode.ShuttingDown, (await host.Jobs.SubmitAsync(JobsHost.Submission(), default)).Failure?.Code);
        Assert.False(host.Monitor.IsReady);
    }
}
