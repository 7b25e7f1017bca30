using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Progress;

public sealed class LiveDiagnosticsTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly SemaphoreSlim _permits = new(0);
    private readonly JobsHost _host;

    public LiveDiagnosticsTests() => _host = new JobsHost { Clock = _clock };

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync()
    {
        _permits.Release(100_000);
        return _host.DisposeAsync();
    }

    [Fact]
    public async Task RunningJob_FiguresAreInItsProgressAtMostOncePerInterval()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _permits });
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 1000))).Id;
        await StepAsync(script, 1);
        await JobsHost.EventuallyAsync(() => Lives() == 1);
        await StepAsync(script, 5);
        Assert.Equal(1, Lives());
        _clock.Advance(TimeSpan.FromSeconds(3));
        await StepAsync(script, 2);
        await JobsHost.EventuallyAsync(() => Lives() == 2);
        JobProgress? progress = null;
        await JobsHost.EventuallyAsync(() => (progress = _host.FindAsync(id).Result.Progress).Metric(SamplingJob.EssBulk) > 2);

        Assert.Equal(
            (1.5, 0.25, progress!.Metric(SamplingJob.EssBulk) / 2),
            (progress.Metric(SamplingJob.RHat), progress.Metric(SamplingJob.EnergyMcse), progress.Metric(SamplingJob.EssTail)));
    }

    [Fact]
    public async Task EndedJob_FiguresAreOverAllDrawsOfAllBlocks()
    {
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1, chains: 10, steps: 6))).Id);

        Assert.Equal((1.5, 6.0), (end.Progress.Metric(SamplingJob.RHat), end.Progress.Metric(SamplingJob.EssBulk)));
        Assert.Equal((3.0, 0.25), (end.Progress.Metric(SamplingJob.EssTail), end.Progress.Metric(SamplingJob.EnergyMcse)));
        Assert.Contains("final 0:6 1:6 2:6", _host.Diagnostician.Calls);
    }

    [Fact]
    public async Task Compute_Throws_CostsFiguresOnly()
    {
        _host.Diagnostician.OnCompute = _ => throw new InvalidOperationException();
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id);

        Assert.Equal((JobStatus.Succeeded, null), (end.Status, end.Progress.Metric(SamplingJob.RHat)));
    }

    [Fact]
    public async Task KernelFigures_AreMeanSumAndLeastOverTheBlocks()
    {
        int block = 0;
        _host.Workloads.On(1, new Script
        {
            Reports = report => Interlocked.Increment(ref block) == 1
                ? report with { Metrics = Kernel(0.5, 2, 0.9) }
                : report with { Metrics = Kernel(0.8, 3, 0.4) },
        });
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1, chains: 6, steps: 1))).Id);

        Assert.Equal(
            (0.6, 5.0, 0.4),
            (end.Progress.Metric(SamplingJob.Acceptance)!.Value, end.Progress.Metric(SamplingJob.DivergentTransitions), end.Progress.Metric(SamplingJob.Ebfmi)),
            NearlyEqual);
    }

    private static Dictionary<string, double> Kernel(double acceptance, double divergent, double ebfmi) => new()
    {
        [SamplingJob.Acceptance] = acceptance, [SamplingJob.DivergentTransitions] = divergent, [SamplingJob.Ebfmi] = ebfmi,
    };

    private static bool NearlyEqual((double, double?, double?) a, (double, double?, double?) b) =>
        Math.Abs(a.Item1 - b.Item1) < 1e-12 && a.Item2 == b.Item2 && a.Item3 == b.Item3;

    private int Lives() => _host.Diagnostician.Calls.Count(call => call.StartsWith("live", StringComparison.Ordinal));

    /// <summary>Lets that many steps happen, each in a quantum of its own.</summary>
    private async Task StepAsync(Script script, int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            _ = _host.Queries.AskAsync(JobsHost.Query(1), default);
            _permits.Release();
        }
    }
}
