using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Slots;

/// <summary>The order of jobs through the real board, in fake time: a step takes one quantum of it where a test says nothing else.</summary>
public sealed class TenantSharingTests : IAsyncLifetime
{
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(20);

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly SemaphoreSlim _permits = new(0);
    private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly JobsHost _host;
    private int _stepsLeft;

    public TenantSharingTests() => _host = new JobsHost { Clock = _clock };

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _host.StopAfterAsync(() => _permits.Release(1_000_000));
        await _host.DisposeAsync();
    }

    /// <summary>A step of the one takes as long as sixty of the many, and does a sixteenth of the chain-steps.</summary>
    [Fact]
    public async Task TwoTenants_FiftyJobsAgainstOneOfCostlySteps_ShareSlotTimeEqually()
    {
        TimeSpan ofMany = TimeSpan.FromMilliseconds(2), ofOne = TimeSpan.FromMilliseconds(120);
        await _host.StartAsync();
        List<Script> many = [];
        for (int seed = 1; seed <= 50; seed++)
            many.Add(await SubmitAsync(seed, "many", chains: 64, step: ofMany));
        Script one = await SubmitAsync(51, "one", chains: 4, step: ofOne);
        await TakeStepsAsync(1500);

        TimeSpan manyHad = many.Sum(script => script.StepsDone) * ofMany, oneHad = one.StepsDone * ofOne;
        // A quantum of the many is ten of their steps.
        Assert.InRange((manyHad - oneHad) / (manyHad + oneHad), -0.1, 0.1);
        Assert.InRange(many.Count(script => script.StepsDone > 0), 2, 50);
    }

    [Fact]
    public async Task QueuePositions_TwoTenants_Alternate()
    {
        await _host.StartAsync();
        await SubmitAsync(1, "first", chains: 4, priority: 1);
        string[] tenants = ["many", "many", "many", "one"];
        List<JobSnapshot> queued = [];
        foreach (string tenant in tenants)
            queued.Add((await _host.Jobs.SubmitAsync(JobsHost.Submission(JobsHost.Spec(seed: 2)) with { Tenant = tenant }, default)).OrThrow());

        List<int?> places = [];
        foreach (JobSnapshot job in queued)
            places.Add((await _host.Jobs.FindAsync(job.Id, default)).OrThrow().Progress.QueuePosition);
        Assert.Equal([1, 3, 4, 2], places);
    }

    [Theory]
    [InlineData("0", false)]
    [InlineData("1", true)]
    public async Task LowPriority_UnderASteadyStreamOfHigherOnes_RunsAtLastThanksToAgeing(string ageingSeconds, bool runs)
    {
        _host.Settings["Worker:AgeingSeconds"] = ageingSeconds;
        _host.Settings["Worker:OpenBlocksPerSlot"] = "1";
        await _host.StartAsync();
        Script first = await SubmitAsync(1, "high", chains: 4, priority: 1, steps: 20);
        Assert.True(await first.Started.WaitAsync(JobsHost.Patience));
        Script low = await SubmitAsync(2, "low", chains: 4);
        for (int seed = 3; seed < 33; seed++)
            await SubmitAsync(seed, "high", chains: 4, priority: 1, steps: 20);
        // Two seconds to the priority of the others, one more to be ahead: 500 quanta are ten.
        await TakeStepsAsync(500);

        Assert.Equal(runs, low.StepsDone > 0);
    }

    private async Task<Script> SubmitAsync(long seed, string tenant, int chains, int priority = 0, int steps = int.MaxValue, TimeSpan? step = null)
    {
        Script script = _host.Workloads.On(seed, new Script { Permits = _permits, BeforeStep = _ => Step(step ?? Quantum) });
        SamplingSpec spec = JobsHost.Spec(seed, chains, steps, blockSize: chains);
        (await _host.Jobs.SubmitAsync(JobsHost.Submission(spec, priority) with { Tenant = tenant }, default)).OrThrow();
        return script;
    }

    private void Step(TimeSpan takes)
    {
        _clock.Advance(takes);
        if (Interlocked.Decrement(ref _stepsLeft) == 0)
            _enough.SetResult();
    }

    private async Task TakeStepsAsync(int count)
    {
        _stepsLeft = count;
        _permits.Release(count);
        await _enough.Task.WaitAsync(JobsHost.Patience);
    }
}
