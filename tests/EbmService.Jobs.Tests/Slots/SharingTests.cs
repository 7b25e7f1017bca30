using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Slots;

/// <summary>Jobs that take turns through checkpoints.</summary>
public sealed class SharingTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _release = new(0);

    public ValueTask InitializeAsync()
    {
        _host.Settings["Worker:OpenBlocksPerSlot"] = "1";
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _release.Release(100_000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task HigherPriority_OnePlace_ParksTheRunningBlockWhichGoesOnWhereItWas()
    {
        await _host.StartAsync();
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        JobSnapshot low = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 2000));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        JobSnapshot high = await _host.SubmitAsync(JobsHost.Spec(seed: 2), priority: 1);
        _ = _host.Queries.AskAsync(JobsHost.Query(1), default);
        _release.Release();
        await _host.EndOfAsync(high.Id);
        _release.Release(2000);
        await _host.EndOfAsync(low.Id);

        Assert.Equal("0:2000;", await _host.ReadResultAsync(low.Id));
        List<string> journal = [.. _host.Workloads.Journal];
        Assert.Equal(["open 1/0 at 0", "step 1/0", "save 1/0", "open 2/0 at 0", "step 2/0", "step 2/0", "step 2/0", "open 1/0 at 1"], journal[..8]);
    }

    [Fact]
    public async Task Cancel_ParkedBlock_ItsPartIsKept()
    {
        await _host.StartAsync();
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        Script other = _host.Workloads.On(2, new Script { Permits = _release });
        JobSnapshot low = await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 2000));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        JobSnapshot high = await _host.SubmitAsync(JobsHost.Spec(seed: 2, steps: 2000), priority: 1);
        _ = _host.Queries.AskAsync(JobsHost.Query(1), default);
        _release.Release();
        Assert.True(await other.Started.WaitAsync(JobsHost.Patience));

        Task<EbmService.Core.Failures.Outcome<JobSnapshot>> cancel = _host.Jobs.CancelAsync(low.Id, default);
        _release.Release(3000);
        Assert.True((await cancel).Succeeded);
        Assert.Equal(JobStatus.Cancelled, (await _host.EndOfAsync(low.Id)).Status);
        Assert.Equal("0:1;", await _host.ReadResultAsync(low.Id));
        Assert.Equal("0:2000;", await EndAndReadAsync(high.Id));
    }

    [Fact]
    public async Task EqualJobs_MoreThanPlaces_TakeTurnsAndEndWithWholeResults()
    {
        _host.Settings["Worker:QuantumMilliseconds"] = "1000";
        await _host.StartAsync();
        foreach (long seed in (long[])[1, 2, 3])
            _host.Workloads.On(seed, new Script { Permits = _release, BeforeStep = _ => AskWithoutWaiting() });
        string[] ids = new string[3];
        for (int i = 0; i < 3; i++)
            ids[i] = (await _host.SubmitAsync(JobsHost.Spec(seed: i + 1, steps: 10))).Id;
        _release.Release(1000);

        foreach (string id in ids)
            Assert.Equal("0:10;", await EndAndReadAsync(id));
        Assert.Contains(_host.Workloads.Journal, line => line.StartsWith("save", StringComparison.Ordinal));
    }

    [Fact]
    public async Task IdleSlot_OtherHoldsTwoBlocks_TakesOneOver()
    {
        _host.Settings["Worker:Slots"] = "2";
        _host.Settings["Worker:OpenBlocksPerSlot"] = "4";
        _host.Settings["Worker:QuantumMilliseconds"] = "1";
        await _host.StartAsync();
        var together = new Barrier(2);
        var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var holds = new SemaphoreSlim(0);
        Script blocker = _host.Workloads.On(9, new Script { Permits = holds });
        _host.Workloads.On(1, new Script { BeforeStep = _ => Meet(together, met) });
        _host.Workloads.On(2, new Script { BeforeStep = _ => Meet(together, met) });
        string held = (await _host.SubmitAsync(JobsHost.Spec(seed: 9, steps: 1), priority: 1)).Id;
        Assert.True(await blocker.Started.WaitAsync(JobsHost.Patience));
        // Both land on the one free slot, where they alternate; the other one frees up and must take one of them.
        string a = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: int.MaxValue))).Id;
        string b = (await _host.SubmitAsync(JobsHost.Spec(seed: 2, steps: int.MaxValue))).Id;
        while (_host.Workloads.Journal.Count(line => line.StartsWith("open", StringComparison.Ordinal)) < 3)
            await Task.Yield();
        holds.Release();

        await _host.EndOfAsync(held);
        await met.Task.WaitAsync(JobsHost.Patience);
        await _host.Jobs.CancelAsync(a, default);
        await _host.Jobs.CancelAsync(b, default);
        await _host.EndOfAsync(a);
        await _host.EndOfAsync(b);
    }

    private static void Meet(Barrier together, TaskCompletionSource met)
    {
        // True only when two slots are inside a step of the two jobs at the same time.
        if (!met.Task.IsCompleted && together.SignalAndWait(TimeSpan.FromMilliseconds(2)))
            met.TrySetResult();
    }

    private void AskWithoutWaiting() => _ = _host.Queries.AskAsync(JobsHost.Query(1), default);

    private async Task<string> EndAndReadAsync(string id)
    {
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(id)).Status);
        return await _host.ReadResultAsync(id);
    }
}
