using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

public sealed class StopRuleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-stop-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5)]
    [InlineData(2, 3)]
    [InlineData(3, 8)]
    public async Task UntilEss_AnyNumberOfSlots_StopsEveryBlockAtTheSameStep(int slots, int blocks)
    {
        await using JobsHost host = await NewHost(slots).StartAsync();
        string id = (await host.SubmitAsync(Spec(blocks, untilEss: 7))).Id;
        JobSnapshot end = await host.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, SamplingJob.UntilEss, 9), (end.Status, end.StopReason, end.Step()));
        Assert.Equal(string.Concat(Enumerable.Range(0, blocks).Select(index => $"{index}:9;")), await host.ReadResultAsync(id));
        Assert.All(
            host.Diagnostician.Calls.Where(call => call.StartsWith("final", StringComparison.Ordinal)),
            call => Assert.Equal(blocks, call.Split(' ')[1..].Count(block => block.Split(':')[1] == call[(call.LastIndexOf(':') + 1)..])));
        Assert.Equal(9, end.Progress.Metric(SamplingJob.EssBulk));
    }

    [Fact]
    public async Task UntilEss_NeverReached_RunsAllSteps()
    {
        await using JobsHost host = await NewHost(2).StartAsync();
        JobSnapshot end = await host.EndOfAsync((await host.SubmitAsync(Spec(3, untilEss: 1000, steps: 12))).Id);

        Assert.Equal((JobStatus.Succeeded, StopReason.Completed), (end.Status, end.StopReason));
        // At 3, 6 and 9; at 12 there is nothing left to stop, and the figures of the end are computed.
        Assert.Equal(["final 0:3 1:3 2:3", "final 0:6 1:6 2:6", "final 0:9 1:9 2:9", "final 0:12 1:12 2:12"], Finals(host));
    }

    [Fact]
    public async Task Barrier_OtherJobsWait_GetsOutOfTheirWay()
    {
        await using JobsHost host = NewHost(1);
        host.Settings["Worker:OpenBlocksPerSlot"] = "1";
        await host.StartAsync();
        var judged = new ManualResetEventSlim();
        int finals = 0;
        host.Diagnostician.OnCompute = live =>
        {
            if (!live && Interlocked.Increment(ref finals) == 1)
                judged.Wait(JobsHost.Patience);
        };
        string waits = (await host.SubmitAsync(Spec(1, untilEss: 3))).Id;
        await JobsHost.EventuallyAsync(() => host.Workloads.Journal.Count(line => line == "step 1/0") == 3);
        JobSnapshot other = await host.EndOfAsync((await host.SubmitAsync(JobsHost.Spec(seed: 2), priority: -1)).Id);
        judged.Set();

        Assert.Equal(JobStatus.Succeeded, other.Status);
        Assert.Equal(SamplingJob.UntilEss, (await host.EndOfAsync(waits)).StopReason);
        Assert.Equal("0:3;", await host.ReadResultAsync(waits));
    }

    [Fact]
    public async Task Barrier_PausedThere_IsJudgedAfterTheResume()
    {
        await using JobsHost host = await NewHost(1).StartAsync();
        var judging = new SemaphoreSlim(0);
        var go = new ManualResetEventSlim();
        host.Diagnostician.OnCompute = live =>
        {
            if (live)
                return;
            judging.Release();
            go.Wait(JobsHost.Patience);
        };
        string id = (await host.SubmitAsync(Spec(2, untilEss: 3))).Id;
        Assert.True(await judging.WaitAsync(JobsHost.Patience));
        Assert.Equal(JobStatus.Paused, (await host.Jobs.PauseAsync(id, default)).OrThrow().Status);
        go.Set();
        await JobsHost.EventuallyAsync(() => Finals(host).Count == 1);
        Assert.Equal(JobStatus.Paused, (await host.FindAsync(id)).Status);
        await host.Jobs.ResumeAsync(id, default);
        JobSnapshot end = await host.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, SamplingJob.UntilEss), (end.Status, end.StopReason));
        Assert.Equal("0:3;1:3;", await host.ReadResultAsync(id));
    }

    [Fact]
    public async Task Barrier_CancelledThere_KeepsWhatItHas()
    {
        await using JobsHost host = await NewHost(1).StartAsync();
        var judging = new SemaphoreSlim(0);
        var go = new ManualResetEventSlim();
        host.Diagnostician.OnCompute = _ =>
        {
            judging.Release();
            go.Wait(JobsHost.Patience);
        };
        string id = (await host.SubmitAsync(Spec(2, untilEss: 3))).Id;
        Assert.True(await judging.WaitAsync(JobsHost.Patience));
        Assert.True((await host.Jobs.CancelAsync(id, default)).Succeeded);
        go.Set();

        Assert.Equal((JobStatus.Cancelled, "0:3;1:3;"), ((await host.EndOfAsync(id)).Status, await host.ReadResultAsync(id)));
    }

    [Fact]
    public async Task Barrier_DeviceLostOnTheWayThere_StopsAtTheSameStep()
    {
        await using JobsHost host = await NewHost(2).StartAsync();
        int losses = 0;
        host.Workloads.On(1, new Script
        {
            BeforeStep = workload =>
            {
                if (workload.Step is 2 or 5 && Interlocked.Increment(ref losses) <= 3)
                    throw new DeviceLostException("gone");
            },
        });
        string id = (await host.SubmitAsync(Spec(3, untilEss: 7))).Id;
        JobSnapshot end = await host.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, SamplingJob.UntilEss), (end.Status, end.StopReason));
        Assert.Equal("0:9;1:9;2:9;", await host.ReadResultAsync(id));
    }

    [Fact]
    public async Task Judge_Throws_FailsTheJob()
    {
        await using JobsHost host = await NewHost(1).StartAsync();
        host.Diagnostician.OnCompute = live =>
        {
            if (!live)
                throw new InvalidOperationException();
        };
        JobSnapshot end = await host.EndOfAsync((await host.SubmitAsync(Spec(2, untilEss: 7))).Id);

        Assert.Equal((JobStatus.Failed, FailureCode.Internal), (end.Status, end.Error!.Code));
        Assert.Equal(JobStatus.Succeeded, (await host.EndOfAsync((await host.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Status);
    }

    private static List<string> Finals(JobsHost host) =>
        [.. host.Diagnostician.Calls.Where(call => call.StartsWith("final", StringComparison.Ordinal))];

    private JobsHost NewHost(int slots) => new(_folder) { Settings = { ["Worker:Slots"] = $"{slots}", ["Worker:QuantumMilliseconds"] = "1" } };

    internal static SamplingSpec Spec(int blocks, double untilEss, int steps = 100) =>
        JobsHost.Spec(seed: 1, chains: 4 * blocks, steps: steps) with { Stop = new StopRules(UntilEss: untilEss, CheckEvery: 3) };
}
