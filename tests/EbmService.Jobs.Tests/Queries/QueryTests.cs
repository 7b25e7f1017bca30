using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Queries;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Queries;

public sealed class QueryTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _release = new(0);
    private readonly SemaphoreSlim _entered = new(0);

    public async ValueTask InitializeAsync()
    {
        _host.Settings["Worker:QuantumMilliseconds"] = "1000";
        _host.Settings["Limits:MaxQueuedQueries"] = "3";
        _host.Settings["Limits:MaxQueryRows"] = "4";
        await _host.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _release.Release(1000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Ask_WhileAQuantumRuns_IsAnsweredAfterTheStepInProgress()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        _host.Evaluator.OnEvaluate = queries =>
        {
            _host.Workloads.Journal.Enqueue("answer");
            return [.. queries.Select(FakeEvaluator.Answer)];
        };
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 4));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));

        Task<Outcome<QueryAnswer>> answer = _host.Queries.AskAsync(JobsHost.Query(1, 2), default);
        _release.Release(4);

        float[] energies = (await answer.WaitAsync(JobsHost.Patience)).OrThrow().Energies;
        Assert.Equal([1f, 2f], energies);
        await _host.EndOfAsync(job.Id);
        Assert.Equal(["open 1/0 at 0", "step 1/0", "answer", "step 1/0", "step 1/0", "step 1/0"], _host.Workloads.Journal);
    }

    [Fact]
    public async Task Ask_UnderAFloodOfQueries_LeavesAStepToTheBlockBetweenBatches()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 1000));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Task<Outcome<QueryAnswer>>[] answers =
            [.. Enumerable.Range(0, 3).Select(_ => _host.Queries.AskAsync(JobsHost.Query(1, 2, 3), default))];
        var stepsBefore = new List<int>();
        _host.Evaluator.OnEvaluate = queries =>
        {
            stepsBefore.Add(script.StepsDone);
            return [.. queries.Select(FakeEvaluator.Answer)];
        };
        _release.Release(1000);

        await Task.WhenAll(answers).WaitAsync(JobsHost.Patience);
        Assert.Equal([1, 2, 3], stepsBefore);
        await _host.EndOfAsync(job.Id);
    }

    [Fact]
    public async Task Ask_WithinALongStep_IsAnsweredAtASafePointOnTheSlotsThread()
    {
        int within = 0, slotThread = 0, answeredOn = 0;
        using var asked = new ManualResetEventSlim();
        _host.Evaluator.OnEvaluate = queries =>
        {
            // A query's own safe points are none.
            SafePoint.Reach();
            answeredOn = Environment.CurrentManagedThreadId;
            within++;
            return [.. queries.Select(FakeEvaluator.Answer)];
        };
        Script script = _host.Workloads.On(1, new Script
        {
            BeforeStep = _ =>
            {
                slotThread = Environment.CurrentManagedThreadId;
                SpinWait.SpinUntil(() => asked.IsSet, JobsHost.Patience);
                SpinWait.SpinUntil(() => Reached() > 0, JobsHost.Patience);
            },
        });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 1));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));

        Task<Outcome<QueryAnswer>> answer = _host.Queries.AskAsync(JobsHost.Query(1, 2), default);
        asked.Set();

        float[] energies = (await answer.WaitAsync(JobsHost.Patience)).OrThrow().Energies;
        Assert.Equal([1f, 2f], energies);
        await _host.EndOfAsync(job.Id);
        Assert.Equal((1, slotThread), (within, answeredOn));
        Assert.Empty(_host.Workloads.Violations);

        int Reached()
        {
            SafePoint.Reach();
            return within;
        }
    }

    [Fact]
    public async Task Ask_DeviceLostWithinAStep_FailsTheQueryAndTheBlockStartsAnew()
    {
        int lost = 0;
        using var asked = new ManualResetEventSlim();
        _host.Evaluator.OnEvaluate = _ => throw new DeviceLostException("gone");
        Script script = _host.Workloads.On(1, new Script
        {
            BeforeStep = _ =>
            {
                SpinWait.SpinUntil(() => asked.IsSet, JobsHost.Patience);
                if (Interlocked.Increment(ref lost) == 1)
                    SpinWait.SpinUntil(NeverReached, JobsHost.Patience);
            },
        });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 2));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));

        Task<Outcome<QueryAnswer>> answer = _host.Queries.AskAsync(JobsHost.Query(1), default);
        asked.Set();

        Assert.Equal(FailureCode.DeviceLost, (await answer.WaitAsync(JobsHost.Patience)).Failure!.Code);
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(job.Id)).Status);
        Assert.Equal(2, _host.Workloads.Journal.Count(line => line == "open 1/0 at 0"));

        static bool NeverReached()
        {
            SafePoint.Reach();
            return false;
        }
    }

    [Fact]
    public async Task Ask_SeveralWaiting_AreAnsweredInOneBatchOfBoundedRows()
    {
        await OccupySlotAsync();
        Task<Outcome<QueryAnswer>>[] answers =
            [.. Enumerable.Range(0, 3).Select(_ => _host.Queries.AskAsync(JobsHost.Query(1, 2), default))];
        _host.Evaluator.OnEvaluate = queries => [.. queries.Select(FakeEvaluator.Answer)];
        _release.Release();

        await Task.WhenAll(answers).WaitAsync(JobsHost.Patience);
        Assert.Equal([1, 2, 1], _host.Evaluator.Batches);
    }

    [Fact]
    public async Task Ask_OnePoisonedInABatch_FailsAlone()
    {
        await OccupySlotAsync();
        Task<Outcome<QueryAnswer>> good = _host.Queries.AskAsync(JobsHost.Query(1), default);
        Task<Outcome<QueryAnswer>> bad = _host.Queries.AskAsync(JobsHost.Query(-1), default);
        Task<Outcome<QueryAnswer>> stated = _host.Queries.AskAsync(JobsHost.Query(-2), default);
        _host.Evaluator.OnEvaluate = queries => [.. queries.Select(query => query.Inputs.Values[0] switch
        {
            -1 => throw new InvalidOperationException(),
            -2 => throw new FailureException(new Failure(FailureCode.NotSupported, "no")),
            _ => FakeEvaluator.Answer(query),
        })];
        _release.Release();

        Assert.True((await good.WaitAsync(JobsHost.Patience)).Succeeded);
        Assert.Equal(FailureCode.Internal, (await bad.WaitAsync(JobsHost.Patience)).Failure?.Code);
        Assert.Equal(FailureCode.NotSupported, (await stated.WaitAsync(JobsHost.Patience)).Failure?.Code);
    }

    [Fact]
    public async Task Ask_ClientGone_IsDroppedBeforeItRuns()
    {
        await OccupySlotAsync();
        using var gone = new CancellationTokenSource();
        Task<Outcome<QueryAnswer>> dropped = _host.Queries.AskAsync(JobsHost.Query(1), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dropped);
        Task<Outcome<QueryAnswer>> kept = _host.Queries.AskAsync(JobsHost.Query(2), default);
        _release.Release(2);

        float[] energies = (await kept.WaitAsync(JobsHost.Patience)).OrThrow().Energies;
        Assert.Equal([2f], energies);
        Assert.Equal([1, 1], _host.Evaluator.Batches);
    }

    [Fact]
    public async Task Ask_QueueFull_IsRefusedWithARetryTime()
    {
        await OccupySlotAsync();
        for (int i = 0; i < 3; i++)
            _ = _host.Queries.AskAsync(JobsHost.Query(1), default);

        Failure? failure = (await _host.Queries.AskAsync(JobsHost.Query(1), default)).Failure;

        Assert.Equal(FailureCode.QueueFull, failure?.Code);
        Assert.True(failure!.RetryAfter > TimeSpan.Zero);
    }

    [Fact]
    public async Task Ask_DeviceLost_FailsTheQueryAndRecovers()
    {
        _host.Evaluator.OnEvaluate = _ => throw new DeviceLostException("gone");
        Assert.Equal(FailureCode.DeviceLost, (await _host.Queries.AskAsync(JobsHost.Query(1), default)).Failure?.Code);

        _host.Evaluator.OnEvaluate = queries => [.. queries.Select(FakeEvaluator.Answer)];
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync()).Id);
        Assert.Equal(JobStatus.Succeeded, end.Status);
        Assert.Equal(2, _host.Device.Bindings);
        Assert.True((await _host.Queries.AskAsync(JobsHost.Query(1), default)).Succeeded);
    }

    [Fact]
    public async Task Ask_AfterTheStopBegan_IsShuttingDown()
    {
        _host.Get<EbmService.Jobs.Slots.SlotBoard>().Stop();

        Assert.Equal(FailureCode.ShuttingDown, (await _host.Queries.AskAsync(JobsHost.Query(1), default)).Failure?.Code);
    }

    /// <summary>Keeps the one slot inside an evaluation until <see cref="_release"/>.</summary>
    private async Task OccupySlotAsync()
    {
        _host.Evaluator.OnEvaluate = queries =>
        {
            _entered.Release();
            _release.Wait();
            return [.. queries.Select(FakeEvaluator.Answer)];
        };
        _ = _host.Queries.AskAsync(JobsHost.Query(0), default);
        Assert.True(await _entered.WaitAsync(JobsHost.Patience));
    }
}
