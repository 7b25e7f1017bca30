using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Telemetry;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Telemetry;

public sealed class JobTraceTests : IAsyncLifetime
{
    private const string Caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-trace-").FullName;
    private readonly SemaphoreSlim _release = new(0);
    private readonly RecordedSpans _spans = new();
    private JobsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await new JobsHost(_folder).StartAsync();

    public async ValueTask DisposeAsync()
    {
        _release.Release(10_000);
        await _host.DisposeAsync();
        _spans.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Job_OfARequest_HasATraceOfItsOwnThatLinksToIt()
    {
        JobSnapshot job = await SubmitAsync(JobsHost.Spec(chains: 8));
        await _host.EndOfAsync(job.Id);

        Activity root = await RootAsync(job.Id), submit = Assert.Single(_spans.Of(TraceOf(Caller)), span => (string?)span.GetTagItem("ebm.job.id") == job.Id);
        Assert.Equal((job.Id, default), (root.TraceId.ToHexString(), root.ParentSpanId));
        Assert.Equal("job.submit", submit.OperationName);
        Assert.Equal(submit.SpanId, Assert.Single(root.Links).Context.SpanId);
        Assert.Equal(root.Context, Assert.Single(submit.Links).Context);
        Assert.Equal(("sampling", "m", "succeeded", 24L),
            (root.GetTagItem("ebm.job.type"), root.GetTagItem("ebm.model.name"), root.GetTagItem("ebm.job.status"), root.GetTagItem("ebm.job.units")));
        Assert.Equal(ActivityStatusCode.Unset, root.Status);
    }

    [Fact]
    public async Task Job_FromQueueToStorage_IsToldInOrderWithTheRightParents()
    {
        JobSnapshot job = await SubmitAsync(JobsHost.Spec(chains: 8));
        await _host.EndOfAsync(job.Id);

        Activity root = await RootAsync(job.Id), queue = Assert.Single(_spans.Of(job.Id, "job.queue"));
        IReadOnlyList<Activity> blocks = _spans.Of(job.Id, "job.block"), quanta = _spans.Of(job.Id, "job.quantum");
        Activity results = Assert.Single(_spans.Of(job.Id, "storage.results"));
        Assert.Equal([0, 1], blocks.Select(block => (int)block.GetTagItem("ebm.block.index")!).Order());
        Assert.All([queue, results, .. blocks, .. _spans.Of(job.Id, "storage.blocks")], span => Assert.Equal(root.SpanId, span.ParentSpanId));
        Assert.All(quanta, quantum => Assert.Contains(quantum.ParentSpanId, blocks.Select(block => block.SpanId)));
        Assert.All(blocks, block => Assert.Equal((0, 3), (block.GetTagItem("ebm.block.step.from"), block.GetTagItem("ebm.block.step.to"))));
        Assert.True(queue.StartTimeUtc + queue.Duration <= results.StartTimeUtc && results.StartTimeUtc + results.Duration <= root.StartTimeUtc + root.Duration);
    }

    [Fact]
    public async Task Job_OfManyQuanta_TellsTheFirstAndFewerAndFewerAndTheLast()
    {
        // A quantum ends after a step of 2 ms.
        await using var host = new JobsHost();
        host.Settings["Worker:QuantumMilliseconds"] = "1";
        host.Workloads.On(1, new Script { BeforeStep = _ => Thread.Sleep(2) });
        await host.StartAsync();
        JobSnapshot job = await host.SubmitAsync(JobsHost.Spec(seed: 1, chains: 4, steps: 21));
        await host.EndOfAsync(job.Id);
        await RootAsync(job.Id);

        Assert.Equal([1, 2, 4, 8, 16, 21], _spans.Of(job.Id, "job.quantum").Select(span => (int)span.GetTagItem("ebm.quantum.number")!));
        Assert.All(_spans.Of(job.Id, "job.quantum"), span => Assert.True(span.Duration >= TimeSpan.FromMilliseconds(2)));
    }

    [Fact]
    public async Task Job_AfterARestart_BeginsAnotherRootOfTheSameTraceThatLinksToTheSameRequest()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await SubmitAsync(JobsHost.Spec(seed: 1, steps: 1000));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await _host.StopAfterAsync(() => _release.Release(1));
        await _host.DisposeAsync();
        Activity first = await RootAsync(job.Id);

        _host = await new JobsHost(_folder).StartAsync();
        await _host.EndOfAsync(job.Id);
        await JobsHost.EventuallyAsync(() => _spans.Of(job.Id, "job").Count == 2);

        Activity second = _spans.Of(job.Id, "job")[1];
        Assert.Equal((true, "succeeded"), (first.GetTagItem("ebm.job.interrupted"), second.GetTagItem("ebm.job.status")));
        Assert.NotEqual(first.SpanId, second.SpanId);
        Assert.Equal((TraceOf(Caller), Assert.Single(first.Links).Context.SpanId),
            (Assert.Single(second.Links).Context.TraceId.ToHexString(), Assert.Single(second.Links).Context.SpanId));
        Assert.Equal(2, second.GetTagItem("ebm.job.attempt"));
    }

    [Fact]
    public async Task Job_PausedAndResumed_WaitsTwice()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await SubmitAsync(JobsHost.Spec(seed: 1, steps: 5));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Task<Outcome<JobSnapshot>> paused = _host.Jobs.PauseAsync(job.Id, default);
        _release.Release(1);
        (await paused).OrThrow();
        _release.Release(100);
        (await _host.Jobs.ResumeAsync(job.Id, default)).OrThrow();
        await _host.EndOfAsync(job.Id);
        Activity root = await RootAsync(job.Id);

        Assert.Equal(2, _spans.Of(job.Id, "job.queue").Count);
        Assert.Equal(["queued", "running", "paused", "queued", "running", "succeeded"],
            root.Events.Select(one => one.Tags.Single(tag => tag.Key == "ebm.job.status").Value));
        Assert.NotEmpty(_spans.Of(job.Id, "storage.checkpoint"));
    }

    [Fact]
    public async Task Job_ThatFails_IsAnError()
    {
        _host.Workloads.On(1, new Script { BeforeStep = _ => throw new InvalidOperationException("boom") });
        JobSnapshot job = await SubmitAsync(JobsHost.Spec(seed: 1));
        await _host.EndOfAsync(job.Id);
        Activity root = await RootAsync(job.Id);

        Assert.Equal((ActivityStatusCode.Error, "internal"), (root.Status, root.GetTagItem("error.type")));
        Assert.DoesNotContain("boom", root.StatusDescription, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submission_ThatIsRefused_IsAnErrorOfTheRequestAndNoJob()
    {
        using Activity request = Request();
        await _host.Jobs.SubmitAsync(JobsHost.Submission() with { Footprint = new JobFootprint(1e15, 0) }, default);

        Activity submit = Assert.Single(_spans.Of(TraceOf(Caller)), span => span.ParentSpanId == request.SpanId);
        Assert.Equal((ActivityStatusCode.Error, "overPolicy"), (submit.Status, submit.GetTagItem("error.type")));
        Assert.Empty(submit.Links);
    }

    [Fact]
    public async Task Query_OfARequest_IsItsChild()
    {
        using Activity request = Request();
        (await _host.Queries.AskAsync(JobsHost.Query(1, 2), default)).OrThrow();

        Activity query = Assert.Single(_spans.Of(TraceOf(Caller)), span => span.ParentSpanId == request.SpanId);
        Assert.Equal(("query energy", "m", 2), (query.DisplayName, query.GetTagItem("ebm.model.name"), query.GetTagItem("ebm.query.rows")));
    }

    [Fact]
    public void Spans_OfOneKind_AreAllTakenUntilThereAreManyAndThenFew()
    {
        var job = new JobSnapshot
        {
            Id = Guid.CreateVersion7().ToString("N"), Status = JobStatus.Running, Models = JobsHost.Submission().Models, Spec = JobsHost.Spec(),
            Progress = new JobProgress(), CreatedAt = TimeProvider.System.GetUtcNow(),
        };
        JobTrace sut = JobTracing.Begin(job, TimeProvider.System)!;
        for (int i = 0; i < 1100; i++)
            sut.Storage(StorageKind.Checkpoint)?.Dispose();
        sut.Interrupt();

        // 256, 512 and 1024.
        Assert.Equal(JobTrace.MaxInFull + 3, _spans.Of(job.Id, "storage.checkpoint").Count);
        Assert.Equal(1100L, Assert.Single(_spans.Of(job.Id, "job")).GetTagItem("ebm.spans.storage.checkpoint"));
    }

    private static string TraceOf(string parent) => parent.Split('-')[1];

    private static Activity Request() => new Activity("request").SetParentId(Caller).Start();

    private async Task<JobSnapshot> SubmitAsync(EbmService.Core.Sampling.SamplingSpec spec)
    {
        using Activity request = Request();
        return await _host.SubmitAsync(spec);
    }

    /// <summary>Waiters are told of the end before or after the span's.</summary>
    private async Task<Activity> RootAsync(string id)
    {
        await JobsHost.EventuallyAsync(() => _spans.Of(id, "job").Count > 0);
        return _spans.Of(id, "job")[0];
    }
}
