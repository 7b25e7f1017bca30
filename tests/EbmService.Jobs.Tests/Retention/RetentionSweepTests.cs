using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Retention;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using EbmService.Jobs.Tests.Fakes;
using EbmService.Jobs.Tests.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Retention;

public sealed class RetentionSweepTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-sweep-").FullName;
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));
    private readonly SemaphoreSlim _release = new(0);

    public void Dispose()
    {
        _release.Release(10_000);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Sweep_ByAge_DeletesRecordAndFilesOfWhatIsOldAndNotKept()
    {
        await using JobsHost host = await NewHost(days: "2").StartAsync();
        JobSnapshot old = await RunAsync(host), kept = await RunAsync(host, keep: true);
        _clock.Advance(TimeSpan.FromDays(1));
        JobSnapshot young = await RunAsync(host);
        Assert.Equal((old.FinishedAt!.Value.AddDays(2), null, young.FinishedAt!.Value.AddDays(2)),
            ((await host.FindAsync(old.Id)).ExpiresAt, (await host.FindAsync(kept.Id)).ExpiresAt, young.ExpiresAt));
        _clock.Advance(TimeSpan.FromDays(1));

        await SweepAsync(host);

        Assert.Equal(FailureCode.JobNotFound, (await host.Jobs.FindAsync(old.Id, default)).Failure?.Code);
        Assert.Equal(FailureCode.JobNotFound, (await host.Jobs.OpenResultAsync(old.Id, "samples.txt", default)).Failure?.Code);
        Assert.Equal([young.Id, kept.Id], (await host.Jobs.ListAsync(new JobFilter(), default)).OrThrow().Jobs.Select(job => job.Id));
        Assert.Equal([kept.Id, young.Id], Folders().Order(StringComparer.Ordinal));
        Assert.Equal("0:3;", await host.ReadResultAsync(kept.Id));
    }

    [Fact]
    public async Task Sweep_BySize_DeletesTheOldestOnceTheirTimeOfGraceIsOver()
    {
        await using JobsHost host = await NewHost(bytes: "1").StartAsync();
        JobSnapshot first = await RunAsync(host);
        Assert.True(await SweepAsync(host), "over the limit, but only just ended");
        Assert.Single(Folders());

        _clock.Advance(RetentionChoice.Grace);
        JobSnapshot second = await RunAsync(host);
        Assert.Null(second.ExpiresAt);
        await SweepAsync(host);

        Assert.Equal(FailureCode.JobNotFound, (await host.Jobs.FindAsync(first.Id, default)).Failure?.Code);
        Assert.Equal([second.Id], Folders());
    }

    [Fact]
    public async Task Sweep_Counts_FilesAndRecordsAndWhatIsKeptByItself()
    {
        await using JobsHost host = await NewHost(bytes: "1000000").StartAsync();
        using var metrics = new RecordedMetrics(host);
        JobSnapshot job = await RunAsync(host), kept = await RunAsync(host, keep: true);
        JobSnapshot failed = await RunAsync(host, seed: 9, fails: true);
        await SweepAsync(host);

        long files = SizeOf(job.Id), keptFiles = SizeOf(kept.Id);
        Assert.True(files > job.Results.Sum(result => result.Size), "the state that it can be extended from counts too");
        long usage = (long)metrics.Observe("ebm.storage.usage", "ebm.job.keep=False") - files;
        long keptUsage = (long)metrics.Observe("ebm.storage.usage", "ebm.job.keep=True") - keptFiles;
        Assert.Equal((JobStatus.Failed, 0), (failed.Status, SizeOf(failed.Id)));
        // Two records, and one: documents of some hundred bytes.
        Assert.InRange(keptUsage, 500, 3000);
        Assert.InRange(usage, 1.3 * keptUsage, 2.5 * keptUsage);
        Assert.Equal(1_000_000, metrics.Observe("ebm.storage.limit", ""));
    }

    [Fact]
    public async Task Sweep_OfAJobThatRuns_LeavesItHoweverLongItTakes()
    {
        await using JobsHost host = await NewHost(days: "1", bytes: "1").StartAsync();
        Script script = host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await host.SubmitAsync(JobsHost.Spec(seed: 1));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        _clock.Advance(TimeSpan.FromDays(100));
        await SweepAsync(host);

        _release.Release(100);
        Assert.Equal(JobStatus.Succeeded, (await host.EndOfAsync(job.Id)).Status);
        Assert.Equal("0:3;", await host.ReadResultAsync(job.Id));
    }

    [Fact]
    public async Task Sweep_OfAJobThatIsBeingCopied_WaitsForTheNext()
    {
        await using JobsHost host = await NewHost().StartAsync();
        JobSnapshot job = await RunAsync(host);
        _clock.Advance(TimeSpan.FromDays(2));
        using (host.Get<JobPins>().TryPin(job.Id))
            await SweepByHandAsync(host, days: 1);
        Assert.Single(Folders());

        await SweepByHandAsync(host, days: 1);

        Assert.Empty(Folders());
    }

    [Fact]
    public async Task Sweep_OfAnExtendedJob_LeavesTheOneThatGoesOnFromIt()
    {
        await using JobsHost host = await NewHost(days: "1").StartAsync();
        JobSnapshot parent = await RunAsync(host);
        Script script = host.Workloads.On(0, new Script { Permits = _release });
        JobSnapshot child = (await host.Jobs.ExtendAsync(parent.Id, 4, default)).OrThrow();
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        _clock.Advance(TimeSpan.FromDays(2));
        await SweepAsync(host);
        Assert.Equal([child.Id], Folders());

        _release.Release(100);
        await host.EndOfAsync(child.Id);

        Assert.Equal("0:7;", await host.ReadResultAsync(child.Id));
    }

    [Fact]
    public async Task Keep_ChangedWhileTheJobRuns_IsKeptOverItsEndAndARestart()
    {
        string id;
        await using (JobsHost host = await NewHost().StartAsync())
        {
            Script script = host.Workloads.On(1, new Script { Permits = _release });
            id = (await host.SubmitAsync(JobsHost.Spec(seed: 1))).Id;
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            Assert.True((await host.Jobs.KeepAsync(id, true, default)).OrThrow().Keep);
            _release.Release(100);
            Assert.True((await host.EndOfAsync(id)).Keep);
        }
        await using JobsHost again = await NewHost().StartAsync();
        _clock.Advance(TimeSpan.FromDays(2));
        await SweepByHandAsync(again, days: 1);
        Assert.True((await again.FindAsync(id)).Keep);

        JobSnapshot freed = (await again.Jobs.KeepAsync(id, false, default)).OrThrow();
        await SweepByHandAsync(again, days: 1);

        Assert.False(freed.Keep);
        Assert.Equal(FailureCode.JobNotFound, (await again.Jobs.KeepAsync(id, true, default)).Failure?.Code);
    }

    [Fact]
    public async Task IdempotencyKey_OfASweptJob_MakesANewOne()
    {
        await using JobsHost host = await NewHost(days: "1").StartAsync();
        var key = new SubmissionKey("default", "k", "f");
        Task<Outcome<JobSubmission>> Create(CancellationToken _) => Task.FromResult<Outcome<JobSubmission>>(JobsHost.Submission());
        JobSnapshot first = (await host.Jobs.SubmitOnceAsync(key, Create, default)).OrThrow();
        await host.EndOfAsync(first.Id);
        _clock.Advance(TimeSpan.FromDays(2));
        await SweepAsync(host);

        JobSnapshot second = (await host.Jobs.SubmitOnceAsync(key, Create, default)).OrThrow();

        Assert.NotEqual(first.Id, second.Id);
        await host.EndOfAsync(second.Id);
    }

    [Fact]
    public async Task Download_UnderWay_GoesOnWhileItsJobIsSweptAndDeleted()
    {
        await using JobsHost host = await NewHost(days: "1").StartAsync();
        JobSnapshot job = await RunAsync(host);
        await using Stream open = (await host.Jobs.OpenResultAsync(job.Id, "samples.txt", default)).OrThrow().Content;
        _clock.Advance(TimeSpan.FromDays(2));
        await SweepAsync(host);
        Assert.Empty(Folders());

        using var reader = new StreamReader(open);
        Assert.Equal("0:3;", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task Folders_WithoutARow_GoOnceTheyAreOld()
    {
        await using JobsHost host = await NewHost(days: "1000").StartAsync();
        string old = Guid.CreateVersion7(_clock.GetUtcNow().AddDays(-2)).ToString("N"), young = Guid.CreateVersion7(_clock.GetUtcNow()).ToString("N");
        foreach (string id in new[] { old, young })
            Directory.CreateDirectory(Path.Combine(_folder, "jobs", id, "results"));
        await SweepAsync(host);

        Assert.Equal([young], Folders());
    }

    [Fact]
    public async Task Service_AtWork_SweepsByItself()
    {
        await using var host = new JobsHost(_folder);
        // A tenth of a second.
        host.Settings["Storage:RetainDays"] = "0.000001";
        await host.StartAsync();
        using var metrics = new RecordedMetrics(host);
        await RunAsync(host);

        await JobsHost.EventuallyAsync(() => Folders().Length == 0);
        await JobsHost.EventuallyAsync(() => metrics.Observe("ebm.job.swept", "ebm.sweep.reason=age") == 1);
        Assert.Equal(0, metrics.Observe("ebm.job.swept", "ebm.sweep.reason=bytes"));
    }

    /// <summary>The process dies before every one of the changes that a sweep makes, in turn; the next one finds each job whole or not at all.</summary>
    [Fact]
    public async Task Process_ThatDiesWithinASweep_LeavesNoJobWithoutItsFiles()
    {
        string[] ids;
        await using (JobsHost first = await NewHost().StartAsync())
            ids = [.. await Task.WhenAll(Enumerable.Range(1, 4).Select(async seed => (await RunAsync(first, seed: seed)).Id))];
        _clock.Advance(TimeSpan.FromDays(2));
        var left = new List<int>();
        for (int at = 1; Folders().Length > 0 && at < 60; at++)
        {
            await using (JobsHost dying = await NewHost().StartAsync())
            {
                dying.Death.At = dying.Death.Changes + at;
                await DieAsync(dying);
                dying.Death.At = 0;
            }
            await using JobsHost next = await NewHost().StartAsync();
            string[] known = [.. (await next.Jobs.ListAsync(new JobFilter(), default)).OrThrow().Jobs.Select(job => job.Id)];
            Assert.Equal(known.Order(StringComparer.Ordinal), Folders().Order(StringComparer.Ordinal));
            foreach (string id in known)
                Assert.Equal("0:3;", await next.ReadResultAsync(id));
            left.Add(known.Length);
        }
        Assert.Equal(0, left[^1]);
        Assert.True(left.Distinct().Count() > 2, $"no death came between two deletions: {string.Join(' ', left)}");
        Assert.Equal(4, ids.Distinct().Count());
    }

    private JobsHost NewHost(string days = "0", string bytes = "0")
    {
        var host = new JobsHost(_folder) { Clock = _clock };
        host.Settings["Storage:RetainDays"] = days;
        host.Settings["Storage:MaxBytes"] = bytes;
        return host;
    }

    private static async Task<JobSnapshot> RunAsync(JobsHost host, bool keep = false, long seed = 0, bool fails = false)
    {
        if (fails)
            host.Workloads.On(seed, new Script { BeforeStep = _ => throw new InvalidOperationException("boom") });
        JobSubmission submission = JobsHost.Submission(JobsHost.Spec(seed: seed)) with { Keep = keep };
        return await host.EndOfAsync((await host.Jobs.SubmitAsync(submission, default)).OrThrow().Id);
    }

    /// <summary>A sweep that may be the process's last.</summary>
    private async Task DieAsync(JobsHost host)
    {
        try
        {
            await SweepByHandAsync(host, days: 1);
        }
        catch (Exception) when (host.Death.HasCome)
        {
            // Dead.
        }
    }

    private static Task<bool> SweepAsync(JobsHost host) => host.Get<RetentionSweep>().SweepAsync(default);

    /// <summary>On a host without settings, whose own sweep does nothing meanwhile.</summary>
    private async Task<bool> SweepByHandAsync(JobsHost host, double days)
    {
        var policy = new RetentionPolicy(Options.Create(new StorageOptions { RetainDays = days }));
        using var sut = new RetentionSweep(
            host.Get<JobStore>(), host.Get<JobFolders>(), host.Get<JobFiles>(), host.Get<JobPins>(), host.Get<JobEventHub>(), policy,
            host.Get<RetentionMetrics>(), _clock, NullLogger<RetentionSweep>.Instance);
        return await sut.SweepAsync(default);
    }

    private string[] Folders() => [.. Directory.EnumerateDirectories(Path.Combine(_folder, "jobs")).Select(path => Path.GetFileName(path))];

    private long SizeOf(string id)
    {
        var folder = new DirectoryInfo(Path.Combine(_folder, "jobs", id));
        return folder.Exists ? folder.EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) : 0;
    }
}
