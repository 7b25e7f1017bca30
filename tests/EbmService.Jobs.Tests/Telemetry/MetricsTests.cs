using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Queries;
using EbmService.Jobs.Telemetry;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Telemetry;

public sealed class MetricsTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _release = new(0);
    private RecordedMetrics _metrics = null!;

    public async ValueTask InitializeAsync()
    {
        await _host.StartAsync();
        _metrics = new RecordedMetrics(_host);
    }

    public async ValueTask DisposeAsync()
    {
        _release.Release(10_000);
        await _host.DisposeAsync();
        _metrics.Dispose();
    }

    [Fact]
    public async Task Job_OfTwoBlocks_CountsItsWorkAndItsEndOnce()
    {
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(chains: 8, steps: 3, blockSize: 4), priority: 2);
        JobSnapshot end = await _host.EndOfAsync(job.Id);

        Assert.Equal(24, _metrics.Sum("ebm.job.units", "ebm.job.type=sampling,ebm.job.unit=chainSteps"));
        Assert.Equal([(1.0, "ebm.job.type=sampling")], _metrics.Of("ebm.job.submitted"));
        Assert.Equal([(1.0, "ebm.job.status=succeeded,ebm.job.type=sampling")], _metrics.Of("ebm.job.ended"));
        Assert.Equal("ebm.job.priority=2", Assert.Single(_metrics.Of("ebm.job.queue.wait")).Tags);
        Assert.Equal((end.FinishedAt - end.CreatedAt)!.Value.TotalSeconds, Assert.Single(_metrics.Of("ebm.job.duration")).Value, 6);
    }

    [Fact]
    public async Task Job_ThatFails_SaysWhy()
    {
        _host.Assembler.Throws = new FailureException(new Failure(FailureCode.DeadlineExceeded, "late"));
        await _host.EndOfAsync((await _host.SubmitAsync()).Id);

        Assert.Equal([(1.0, "ebm.job.status=failed,ebm.job.type=sampling,error.type=deadlineExceeded")], _metrics.Of("ebm.job.ended"));
    }

    [Fact]
    public async Task Job_AtItsEnd_GivesItsStatisticsByModel()
    {
        await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(steps: 3))).Id);

        Assert.Equal([(1.5, "ebm.model.name=m,ebm.statistic=rHat")], _metrics.Of("ebm.chain.r_hat"));
        Assert.Equal([(3.0, "ebm.model.name=m,ebm.statistic=essBulk"), (1.5, "ebm.model.name=m,ebm.statistic=essTail")], _metrics.Of("ebm.chain.ess"));
    }

    [Fact]
    public async Task Queue_WhileOneJobRuns_IsCountedByPriority()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        await _host.SubmitAsync(JobsHost.Spec(seed: 1), priority: 5);
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await _host.SubmitAsync(JobsHost.Spec(seed: 2), priority: -3);
        await _host.SubmitAsync(JobsHost.Spec(seed: 3), priority: -3);

        Assert.Equal(2, _metrics.Observe("ebm.job.queue.length", "ebm.job.priority=-3"));
        Assert.Equal(0, _metrics.Observe("ebm.job.queue.length", "ebm.job.priority=5"));
        Assert.Equal(21, _metrics.Observe("ebm.job.queue.length").Count);
        Assert.Equal(2, _metrics.Observe("ebm.job.live", "ebm.job.status=queued,ebm.job.type=sampling"));
        Assert.Equal(1, _metrics.Observe("ebm.slot.active", "ebm.slot.activity=job"));
    }

    [Fact]
    public async Task Slot_AtWork_AddsUpToTheTimeThatPassed()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        await JobsHost.EventuallyAsync(() => _metrics.Observe("ebm.slot.active", "ebm.slot.activity=idle") == 1);
        double before = _metrics.Observe("ebm.slot.time").Sum(one => one.Value);
        double jobBefore = _metrics.Observe("ebm.slot.time", "ebm.slot.activity=job");
        long begun = TimeProvider.System.GetTimestamp();
        await _host.SubmitAsync(JobsHost.Spec(seed: 1));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        long working = TimeProvider.System.GetTimestamp();
        await Task.Delay(200);

        double least = TimeProvider.System.GetElapsedTime(working).TotalSeconds;
        double job = _metrics.Observe("ebm.slot.time", "ebm.slot.activity=job") - jobBefore;
        double all = _metrics.Observe("ebm.slot.time").Sum(one => one.Value) - before;
        double most = TimeProvider.System.GetElapsedTime(begun).TotalSeconds;
        Assert.True(job >= least && all >= job, $"{job} s of jobs in {least} to {most} s");
        Assert.True(all <= most + 0.1, $"{all} s of one slot in {most} s");
    }

    [Fact]
    public async Task Query_Answered_GivesItsTimesItsBatchAndItsEnergies()
    {
        _host.Models.References = [(0.05, -1.645), (0.5, 0), (0.95, 1.645)];
        _host.Evaluator.OnEvaluate = queries => [.. queries.Select(query =>
            (Outcome<QueryAnswer>)new QueryAnswer { Energies = [.. query.Inputs.Values], PValues = [0.5, double.NaN, 0.01] })];
        (await _host.Queries.AskAsync(JobsHost.Query(1, float.NaN, 3) with { Kind = QueryKind.OutOfDistribution }, default)).OrThrow();

        Assert.Equal("ebm.model.name=m,ebm.query.kind=outOfDistribution", Assert.Single(_metrics.Of("ebm.query.duration")).Tags);
        Assert.Equal("ebm.query.kind=outOfDistribution", Assert.Single(_metrics.Of("ebm.query.queue.wait")).Tags);
        Assert.Equal([(3.0, "")], _metrics.Of("ebm.query.batch.size"));
        Assert.Equal([(1.0, "ebm.model.name=m,ebm.model.version=1"), (3.0, "ebm.model.name=m,ebm.model.version=1")], _metrics.Of("ebm.model.energy"));
        Assert.Equal([1.0, 3.0], _metrics.Of("ebm.model.energy.deviation").Select(one => Math.Round(one.Value, 6)));
        Assert.Equal([0.5, 0.01], _metrics.Of("ebm.model.p_value").Select(one => one.Value));
    }

    [Fact]
    public async Task Query_OfAModelWithoutACalibration_HasNoDeviation()
    {
        (await _host.Queries.AskAsync(JobsHost.Query(1), default)).OrThrow();

        Assert.Single(_metrics.Of("ebm.model.energy"));
        Assert.Empty(_metrics.Of("ebm.model.energy.deviation"));
    }

    [Fact]
    public async Task Query_ThatFails_SaysWhy()
    {
        _host.Evaluator.OnEvaluate = _ => throw new FailureException(new Failure(FailureCode.NotSupported, "no"));
        await _host.Queries.AskAsync(JobsHost.Query(1), default);

        Assert.Equal("ebm.model.name=m,ebm.query.kind=energy,error.type=notSupported", Assert.Single(_metrics.Of("ebm.query.duration")).Tags);
        Assert.Empty(_metrics.Of("ebm.model.energy"));
    }

    [Fact]
    public async Task Storage_OfAJobWithACheckpoint_IsTimedByKind()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 1000));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Task<Outcome<JobSnapshot>> paused = _host.Jobs.PauseAsync(job.Id, default);
        _release.Release(1);
        (await paused).OrThrow();
        await JobsHost.EventuallyAsync(() => _metrics.Of("ebm.storage.written").Count > 0);
        Assert.Equal([(12.0, "ebm.storage.kind=checkpoint")], _metrics.Of("ebm.storage.written"));

        _release.Release(1000);
        (await _host.Jobs.ResumeAsync(job.Id, default)).OrThrow();
        JobSnapshot end = await _host.EndOfAsync(job.Id);

        Assert.Equal(end.Results.Sum(entry => entry.Size), _metrics.Sum("ebm.storage.written", "ebm.storage.kind=results"));
        string[] kinds = [.. _metrics.Of("ebm.storage.write.duration").Select(one => one.Tags).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(["ebm.storage.kind=blocks", "ebm.storage.kind=checkpoint", "ebm.storage.kind=database", "ebm.storage.kind=results"], kinds);
    }

    [Fact]
    public async Task AllMetrics_OfAJobAndAQuery_NameNeitherTheJobNorTheTenant()
    {
        JobSnapshot job = (await _host.Jobs.SubmitAsync(JobsHost.Submission() with { Tenant = "acme" }, default)).OrThrow();
        await _host.EndOfAsync(job.Id);
        (await _host.Queries.AskAsync(JobsHost.Query(1), default)).OrThrow();
        string[] names = ["ebm.job.units", "ebm.job.submitted", "ebm.job.ended", "ebm.job.queue.wait", "ebm.job.duration", "ebm.job.quantum.duration", "ebm.storage.write.duration"];

        Assert.All(names.SelectMany(_metrics.Of), one => Assert.False(
            one.Tags.Contains(job.Id, StringComparison.Ordinal) || one.Tags.Contains("acme", StringComparison.Ordinal), one.Tags));
    }

    [Fact]
    public async Task TenantTag_Configured_IsOnJobsAndBounded()
    {
        await using var host = new JobsHost();
        host.Settings["Telemetry:TenantTag"] = "true";
        await host.StartAsync();
        using var metrics = new RecordedMetrics(host);
        for (int i = 0; i <= TenantTag.MaxTenants; i++)
            await host.EndOfAsync((await host.Jobs.SubmitAsync(JobsHost.Submission() with { Tenant = $"t{i}" }, default)).OrThrow().Id);

        string[] tags = [.. metrics.Of("ebm.job.submitted").Select(one => one.Tags)];
        Assert.Equal("ebm.job.type=sampling,ebm.tenant=t0", tags[0]);
        Assert.Equal($"ebm.job.type=sampling,ebm.tenant={TenantTag.Others}", tags[^1]);
        Assert.Contains("ebm.job.status=succeeded,ebm.job.type=sampling,ebm.tenant=t1", metrics.Of("ebm.job.ended").Select(one => one.Tags));
    }
}
