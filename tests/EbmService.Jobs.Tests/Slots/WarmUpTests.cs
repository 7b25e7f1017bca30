using EbmService.Core.Jobs;
using EbmService.Core.Queries;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Slots;

public sealed class WarmUpTests
{
    [Fact]
    public async Task Start_EverySlotWarmsUp_IsReadyWhenTheLastHasAndServesWhatCameMeanwhile()
    {
        await using JobsHost host = TwoSlots();
        using var last = new ManualResetEventSlim();
        host.WarmUp.OnWarmUp = (count, _) =>
        {
            if (count == 2)
                last.Wait(JobsHost.Patience);
        };
        await host.StartAsync();
        await JobsHost.EventuallyAsync(() => host.WarmUp.Calls == 2);

        bool before = host.Monitor.IsReady;
        QueryAnswer answer = (await host.Queries.AskAsync(JobsHost.Query(1), TestContext.Current.CancellationToken)).OrThrow();
        last.Set();
        await JobsHost.EventuallyAsync(() => host.Monitor.IsReady);

        Assert.False(before);
        Assert.Single(answer.Energies!);
        Assert.Equal(2, host.WarmUp.Calls);
    }

    [Fact]
    public async Task Start_DeviceLostInTheWarmUp_WarmsUpAgain()
    {
        await using JobsHost host = TwoSlots();
        host.WarmUp.OnWarmUp = (count, _) =>
        {
            if (count == 1)
                throw new DeviceLostException("gone");
        };
        await host.StartAsync();

        await JobsHost.EventuallyAsync(() => host.Monitor.IsReady);

        Assert.Equal(3, host.WarmUp.Calls);
        Assert.Equal(JobStatus.Succeeded, (await host.EndOfAsync((await host.SubmitAsync()).Id)).Status);
    }

    [Fact]
    public async Task Stop_DuringTheWarmUp_IsToldToIt()
    {
        await using JobsHost host = TwoSlots();
        int told = 0;
        host.WarmUp.OnWarmUp = (_, isStopping) =>
        {
            if (SpinWait.SpinUntil(isStopping, JobsHost.Patience))
                Interlocked.Increment(ref told);
        };
        await host.StartAsync();
        await JobsHost.EventuallyAsync(() => host.WarmUp.Calls == 2);

        await host.StopAsync();

        Assert.Equal(2, told);
    }

    private static JobsHost TwoSlots()
    {
        var host = new JobsHost();
        host.Settings["Worker:Slots"] = "2";
        return host;
    }
}
