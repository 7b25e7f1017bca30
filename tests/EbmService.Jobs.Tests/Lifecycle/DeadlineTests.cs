using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Lifecycle;

public sealed class DeadlineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-deadline-").FullName;
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly SemaphoreSlim _permits = new(0);

    public void Dispose()
    {
        _permits.Release(100_000);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task RunningJob_StopsAtItsNextBoundaryWithWhatItHas()
    {
        await using JobsHost host = await NewHost().StartAsync();
        Script script = host.Workloads.On(1, new Script { Permits = _permits });
        string id = (await host.SubmitAsync(Spec(chains: 12))).Id;
        _permits.Release(2);
        for (int i = 0; i < 3; i++)
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await PassDeadlineAsync(host, id);
        _permits.Release(1000);
        JobSnapshot end = await host.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, StopReason.Deadline), (end.Status, end.StopReason));
        // Blocks that never ran are absent.
        Assert.Equal("0:3;", await host.ReadResultAsync(id));
    }

    [Fact]
    public async Task QueuedJob_NothingRan_FailsWithItsOwnCode()
    {
        await using JobsHost host = await NewHost().StartAsync();
        Script busy = host.Workloads.On(9, new Script { Permits = _permits });
        await host.SubmitAsync(JobsHost.Spec(seed: 9));
        Assert.True(await busy.Started.WaitAsync(JobsHost.Patience));
        string id = (await host.SubmitAsync(Spec())).Id;
        _clock.Advance(TimeSpan.FromSeconds(11));
        JobSnapshot end = await host.EndOfAsync(id);

        Assert.Equal((JobStatus.Failed, FailureCode.DeadlineExceeded), (end.Status, end.Error!.Code));
        Assert.DoesNotContain("open 1/0 at 0", host.Workloads.Journal);
    }

    [Fact]
    public async Task PausedJob_EndsWithWhatItHas()
    {
        await using JobsHost host = await NewHost().StartAsync();
        Script script = host.Workloads.On(1, new Script { Permits = _permits });
        string id = (await host.SubmitAsync(Spec())).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Task<Outcome<JobSnapshot>> pause = host.Jobs.PauseAsync(id, default);
        _permits.Release();
        Assert.Equal(JobStatus.Paused, (await pause).OrThrow().Status);
        _clock.Advance(TimeSpan.FromSeconds(11));
        JobSnapshot end = await host.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, StopReason.Deadline, "0:1;"), (end.Status, end.StopReason, await host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task PassedWhileNoProcessRan_EndsAtTheNextStart()
    {
        string id;
        await using (JobsHost first = await NewHost().StartAsync())
        {
            Script script = first.Workloads.On(1, new Script { Permits = _permits });
            id = (await first.SubmitAsync(Spec())).Id;
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            await first.StopAfterAsync(() => _permits.Release());
        }
        _clock.Advance(TimeSpan.FromSeconds(11));
        await using JobsHost second = NewHost();
        second.Workloads.On(1, new Script { BeforeStep = workload => SpinWait.SpinUntil(() => IsStopping(second, id), JobsHost.Patience) });
        await second.StartAsync();
        JobSnapshot end = await second.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, StopReason.Deadline), (end.Status, end.StopReason));
        Assert.InRange(end.Step(), 1, 3);
    }

    [Fact]
    public async Task JobInTime_IsNotTouched()
    {
        await using JobsHost host = await NewHost().StartAsync();
        JobSnapshot end = await host.EndOfAsync((await host.SubmitAsync(Spec(steps: 3))).Id);
        _clock.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal((JobStatus.Succeeded, StopReason.Completed), (end.Status, end.StopReason));
        Assert.Equal(StopReason.Completed, (await host.FindAsync(end.Id)).StopReason);
    }

    private async Task PassDeadlineAsync(JobsHost host, string id)
    {
        _clock.Advance(TimeSpan.FromSeconds(11));
        await JobsHost.EventuallyAsync(() => IsStopping(host, id));
    }

    private static bool IsStopping(JobsHost host, string id) => host.Get<LiveJobs>().Find(id) is null or { Stop: not null };

    private JobsHost NewHost() => new(_folder) { Clock = _clock };

    private static SamplingSpec Spec(int chains = 4, int steps = 1000) =>
        JobsHost.Spec(seed: 1, chains: chains, steps: steps) with { Stop = new StopRules(DeadlineSeconds: 10) };
}
