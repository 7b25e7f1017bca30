using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Queries;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Queries;

/// <summary>A query of many rows, on two slots.</summary>
public sealed class QueryPartTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _entered = new(0);
    private readonly SemaphoreSlim _release = new(0);
    private readonly List<int> _rows = [];

    public async ValueTask InitializeAsync()
    {
        _host.Settings["Worker:Slots"] = "2";
        await _host.StartAsync();
        await JobsHost.EventuallyAsync(() => _host.Monitor.IsReady);
    }

    public async ValueTask DisposeAsync()
    {
        _release.Release(1000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Ask_ManyRows_AreAnsweredByAllSlotsAtOnceAndJoinedInOrder()
    {
        HoldParts();
        float[] values = Values(200);

        Task<Outcome<QueryAnswer>> answer = _host.Queries.AskAsync(JobsHost.Query(values), default);
        // Neither part ends before the other began.
        Assert.True(await _entered.WaitAsync(JobsHost.Patience) && await _entered.WaitAsync(JobsHost.Patience));
        Assert.False(answer.IsCompleted);
        _release.Release(1000);

        Assert.Equal(values, (await answer.WaitAsync(JobsHost.Patience)).OrThrow().Energies);
        // The first slot's part; which of the two comes to the evaluator first is a race.
        Assert.Contains(104, _rows);
        Assert.Equal(200, _rows.Sum());
    }

    [Fact]
    public async Task Ask_WhileAllSlotsAreInAQuantum_ComesToAllOfThem()
    {
        Script[] scripts = [_host.Workloads.On(1, new Script { Permits = _release }), _host.Workloads.On(2, new Script { Permits = _release })];
        string[] jobs = [(await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 1000))).Id, (await _host.SubmitAsync(JobsHost.Spec(seed: 2, steps: 1000))).Id];
        foreach (Script script in scripts)
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        var both = new Barrier(2);
        _host.Evaluator.OnEvaluate = queries =>
        {
            // Both slots have to come here, each after the step that it was in.
            Assert.True(both.SignalAndWait(JobsHost.Patience));
            return [.. queries.Select(FakeEvaluator.Answer)];
        };

        Task<Outcome<QueryAnswer>> answer = _host.Queries.AskAsync(JobsHost.Query(Values(64)), default);
        _release.Release(2);

        Assert.Equal(Values(64), (await answer.WaitAsync(JobsHost.Patience)).OrThrow().Energies);
        _release.Release(10_000);
        foreach (string job in jobs)
            await _host.EndOfAsync(job);
    }

    [Fact]
    public async Task Ask_OnePartFails_FailsTheWholeAndTheRestIsNotComputed()
    {
        _host.Evaluator.OnEvaluate = queries =>
        {
            lock (_rows)
                _rows.AddRange(queries.Select(query => query.Inputs.Rows));
            return [.. queries.Select(query => query.Inputs.Values.Contains(0)
                ? new Failure(FailureCode.NotSupported, "no")
                : Hold(query))];
        };

        Outcome<QueryAnswer> answer = await _host.Queries.AskAsync(JobsHost.Query(Values(4096)), default).WaitAsync(JobsHost.Patience);

        Assert.Equal(FailureCode.NotSupported, answer.Failure?.Code);
        _release.Release(1000);
        Assert.True((await _host.Queries.AskAsync(JobsHost.Query(1), default)).Succeeded);
        Assert.InRange(_rows.Sum(), 256, 3 * 256 + 1);

        Outcome<QueryAnswer> Hold(ModelQuery query)
        {
            _release.Wait();
            return FakeEvaluator.Answer(query);
        }
    }

    [Fact]
    public async Task Ask_ClientGoneHalfWay_DropsTheRest()
    {
        HoldParts();
        using var gone = new CancellationTokenSource();
        Task<Outcome<QueryAnswer>> dropped = _host.Queries.AskAsync(JobsHost.Query(Values(4096)), gone.Token);
        Assert.True(await _entered.WaitAsync(JobsHost.Patience));

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dropped);
        _release.Release(1000);

        Assert.True((await _host.Queries.AskAsync(JobsHost.Query(1), default).WaitAsync(JobsHost.Patience)).Succeeded);
        Assert.InRange(_rows.Sum(), 256, 2 * 256 + 1);
    }

    [Fact]
    public async Task Ask_DeviceLostInOnePart_FailsTheWhole()
    {
        _host.Evaluator.OnEvaluate = queries => queries[0].Inputs.Values.Contains(0)
            ? throw new DeviceLostException("gone")
            : [.. queries.Select(FakeEvaluator.Answer)];

        Outcome<QueryAnswer> answer = await _host.Queries.AskAsync(JobsHost.Query(Values(1000)), default).WaitAsync(JobsHost.Patience);

        Assert.Equal(FailureCode.DeviceLost, answer.Failure?.Code);
        await JobsHost.EventuallyAsync(() => _host.Monitor.IsReady);
        Assert.True((await _host.Queries.AskAsync(JobsHost.Query(1), default)).Succeeded);
    }

    private static float[] Values(int rows) => [.. Enumerable.Range(0, rows).Select(row => (float)row)];

    /// <summary>Notes each part's rows and keeps it until <see cref="_release"/>.</summary>
    private void HoldParts() => _host.Evaluator.OnEvaluate = queries =>
    {
        lock (_rows)
            _rows.AddRange(queries.Select(query => query.Inputs.Rows));
        _entered.Release();
        _release.Wait();
        return [.. queries.Select(FakeEvaluator.Answer)];
    };
}
