using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

public sealed class DeviceLossTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Advance_DeviceLost_RequeuesTheBlockRebindsAndCountsAnAttempt()
    {
        bool lost = false;
        bool readyWhileLost = true;
        _host.Device.OnBind = count => readyWhileLost &= count == 1 || _host.Monitor.IsReady;
        _host.Workloads.On(1, new Script
        {
            BeforeStep = workload =>
            {
                if (workload.Step != 2 || lost)
                    return;
                lost = true;
                throw new DeviceLostException("gone");
            },
        });
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 5))).Id);

        Assert.Equal((JobStatus.Succeeded, 2), (end.Status, end.Attempt));
        Assert.Equal("0:5;", await _host.ReadResultAsync(end.Id));
        Assert.Equal(2, _host.Workloads.Journal.Count(line => line == "open 1/0 at 0"));
        Assert.Equal(2, _host.Device.Bindings);
        Assert.False(readyWhileLost);
        Assert.True(_host.Monitor.IsReady);
        Assert.Equal(0, _host.Workloads.Alive);
    }

    [Fact]
    public async Task Advance_DeviceLostEachTime_FailsTheJobOnly()
    {
        _host.Workloads.On(1, new Script { BeforeStep = _ => throw new DeviceLostException("gone") });
        JobSnapshot bad = await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id);

        Assert.Equal((JobStatus.Failed, FailureCode.DeviceLost), (bad.Status, bad.Error!.Code));
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Status);
    }

    [Fact]
    public async Task Bind_FailsAtFirst_IsTriedAgain()
    {
        await using var host = new JobsHost();
        host.Device.OnBind = count =>
        {
            if (count == 1)
                throw new InvalidOperationException("not yet");
        };
        await host.StartAsync();

        Assert.Equal(JobStatus.Succeeded, (await host.EndOfAsync((await host.SubmitAsync()).Id)).Status);
        Assert.Equal(2, host.Device.Bindings);
    }
}
