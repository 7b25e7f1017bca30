using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Progress;

public sealed class WatchTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _release = new(0);

    public async ValueTask InitializeAsync()
    {
        _host.Settings["Worker:QuantumMilliseconds"] = "1";
        await _host.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _release.Release(100_000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Watch_WholeRun_GivesChangesInOrderAndTheTerminalOneLast()
    {
        _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 50, previewEvery: 10));
        IAsyncEnumerator<JobLogEntry> events = _host.Jobs.WatchAsync(job.Id, 0, default).GetAsyncEnumerator();
        List<JobLogEntry> seen = [];
        while (seen is not [.., JobChangedEntry { Job.Status: JobStatus.Running }] && await events.MoveNextAsync())
            seen.Add(events.Current);
        _release.Release(100);
        while (await events.MoveNextAsync().AsTask().WaitAsync(JobsHost.Patience))
            seen.Add(events.Current);

        Assert.Equal([JobStatus.Queued, JobStatus.Running, JobStatus.Succeeded], seen.OfType<JobChangedEntry>().Select(change => change.Job.Status));
        Assert.True(seen.Zip(seen.Skip(1), (a, b) => a.Sequence < b.Sequence).All(rising => rising));
        Assert.Equal(1, seen[0].Sequence);
        Assert.True(Assert.IsType<JobChangedEntry>(seen[^1]).Job.Status.IsTerminal());
        Assert.Contains(seen, entry => entry is JobPreviewEntry { Png.Length: 3 });
    }

    [Fact]
    public async Task Watch_ReaderThatNeverReads_DoesNotHoldTheJob()
    {
        _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 200, previewEvery: 1));
        IAsyncEnumerator<JobLogEntry> stuck = _host.Jobs.WatchAsync(job.Id, 0, default).GetAsyncEnumerator();
        await stuck.MoveNextAsync();
        _release.Release(1000);

        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(job.Id)).Status);
        List<JobLogEntry> rest = [];
        while (await stuck.MoveNextAsync().AsTask().WaitAsync(JobsHost.Patience))
            rest.Add(stuck.Current);
        Assert.True(rest.Count <= 4, "changes to running and succeeded, one progress, one preview");
        Assert.True(Assert.IsType<JobChangedEntry>(rest[^1]).Job.Status.IsTerminal());
    }

    [Fact]
    public async Task Watch_PreviewAtEveryStep_ShowsFiveASecondAndTheLast()
    {
        long begun = System.Diagnostics.Stopwatch.GetTimestamp();
        _host.Workloads.On(1, new Script { BeforeStep = _ => Thread.Sleep(2) });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 200, previewEvery: 1));
        await _host.EndOfAsync(job.Id);
        List<JobLogEntry> kept = await _host.Jobs.WatchAsync(job.Id, 0, default).ToListAsync();

        // Numbers count what was announced, also what the log no longer holds: three changes, previews and progress.
        double intervals = System.Diagnostics.Stopwatch.GetElapsedTime(begun) / EbmService.Jobs.Slots.SlotBoard.ProgressInterval;
        Assert.InRange(kept[^1].Sequence, 5, 3 + 2 * ((long)intervals + 2));
        Assert.Equal(200, Assert.Single(kept.OfType<JobPreviewEntry>()).Step);
    }

    [Fact]
    public async Task Watch_EndedJob_GivesWhatWasMissedAndEnds()
    {
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync()).Id);
        List<JobLogEntry> all = await _host.Jobs.WatchAsync(end.Id, 0, default).ToListAsync();
        Assert.True(Assert.IsType<JobChangedEntry>(all[^1]).Job.Status.IsTerminal());

        Assert.Empty(await _host.Jobs.WatchAsync(end.Id, all[^1].Sequence, default).ToListAsync());
        _host.Get<EbmService.Jobs.Progress.JobEventHub>().Forget(end.Id);
        JobLogEntry stored = Assert.Single(await _host.Jobs.WatchAsync(end.Id, 0, default).ToListAsync());
        Assert.Equal((all[^1].Sequence, JobStatus.Succeeded), (stored.Sequence, Assert.IsType<JobChangedEntry>(stored).Job.Status));
    }

    [Fact]
    public async Task Watch_UnknownJob_ThrowsJobNotFound()
    {
        var thrown = await Assert.ThrowsAsync<FailureException>(
            async () => await _host.Jobs.WatchAsync(Guid.NewGuid().ToString("N"), 0, default).ToListAsync());
        Assert.Equal(FailureCode.JobNotFound, thrown.Failure.Code);
    }

    [Fact]
    public async Task WatchAll_TwoJobs_SeesBothEndWithoutPreviews()
    {
        IAsyncEnumerator<JobLogEntry> events = _host.Jobs.WatchAsync(null, 0, default).GetAsyncEnumerator();
        ValueTask<bool> next = events.MoveNextAsync();
        await _host.SubmitAsync(JobsHost.Spec(seed: 1, previewEvery: 1));
        await _host.SubmitAsync(JobsHost.Spec(seed: 2, previewEvery: 1));
        HashSet<string> ended = [];
        while (ended.Count < 2 && await next.AsTask().WaitAsync(JobsHost.Patience))
        {
            Assert.IsNotType<JobPreviewEntry>(events.Current);
            if (events.Current is JobChangedEntry { Job.Status: JobStatus.Succeeded } change)
                ended.Add(change.JobId);
            next = events.MoveNextAsync();
        }
        Assert.Equal(2, ended.Count);
    }

    [Fact]
    public async Task Watch_ServiceStops_Ends()
    {
        _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 1000));
        Task<List<JobLogEntry>> watch = _host.Jobs.WatchAsync(job.Id, 0, default).ToListAsync().AsTask();
        await _host.StopAfterAsync(() => _release.Release(100_000));

        List<JobLogEntry> seen = await watch.WaitAsync(JobsHost.Patience);
        Assert.DoesNotContain(seen, entry => entry is JobChangedEntry { Job.Status: JobStatus.Succeeded });
    }
}
