using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Recording;

/// <summary>How often running blocks are saved, and what a slow or foreign disk does to it.</summary>
public sealed class CheckpointPaceTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly SemaphoreSlim _permits = new(0);
    private readonly JobsHost _host;
    private readonly ManualResetEventSlim _disk = new(true);
    private TimeSpan _saving;
    private Script _script = new();
    private string _id = "";

    public CheckpointPaceTests() => _host = new JobsHost { Clock = _clock, Settings = { ["Worker:CheckpointSeconds"] = "1", ["Worker:Slots"] = "1" } };

    public async ValueTask InitializeAsync()
    {
        await _host.StartAsync();
        _script = _host.Workloads.On(1, new Script { Permits = _permits, OnSave = () => _clock.Advance(_saving) });
        _id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 1000))).Id;
        await StepAsync(2);
    }

    public async ValueTask DisposeAsync()
    {
        _disk.Set();
        _permits.Release(100_000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Save_QuickOne_ComesAtEveryInterval()
    {
        for (int i = 1; i <= 3; i++)
        {
            await StepAsync(2);
            Assert.Equal(i - 1, Saves());
            await PassAsync(1.1, steps: 2);
            Assert.Equal(i, Saves());
        }
    }

    [Fact]
    public async Task Save_SlowOne_ComesSoMuchLessOften()
    {
        _saving = TimeSpan.FromSeconds(0.1);
        await PassAsync(1.1, steps: 2);
        await PassAsync(1.1, steps: 2);
        await PassAsync(3, steps: 2);
        Assert.Equal(1, Saves());
        await PassAsync(1.1, steps: 2);

        Assert.Equal(2, Saves());
    }

    [Fact]
    public async Task Save_WriteUnderWay_WaitsForIt()
    {
        _host.Disk.OnChange = _ => _disk.Wait(JobsHost.Patience);
        _disk.Reset();
        for (int i = 0; i < 5; i++)
            await PassAsync(2, steps: 2);
        Assert.Equal(1, Saves());
        _disk.Set();
        await JobsHost.EventuallyAsync(() => File.Exists(Path.Combine(_host.Folder, "jobs", _id, "checkpoints", "000000.0")));
    }

    [Fact]
    public async Task Write_BlockOfANewerProcess_IsNotWrittenAndTheJobIsLetGo()
    {
        await _host.EditBeforeStartAsync(_id, row => row.Blocks[0].LeaseEpoch++);
        await PassAsync(2, steps: 2);
        // Of this clock a quantum takes no time: the block runs to its end, which is not recorded.
        _permits.Release(10_000);
        await JobsHost.EventuallyAsync(() => _host.Monitor.RunningJobs == 0);

        Assert.Equal(JobStatus.Running, (await _host.FindAsync(_id)).Status);
        Assert.False(Directory.Exists(Path.Combine(_host.Folder, "jobs", _id, "checkpoints")));
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Status);
    }

    private async Task PassAsync(double seconds, int steps)
    {
        // A write during which the clock is moved would count as a slow one.
        await JobsHost.EventuallyAsync(() => !_disk.IsSet || !IsWriting());
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        await StepAsync(steps);
    }

    private bool IsWriting() => _host.Get<LiveJobs>().Find(_id)?.Blocks[0].IsWriting ?? false;

    private int Saves() => _host.Workloads.Journal.Count(line => line == "save 1/0");

    /// <summary>Lets that many steps happen, each in a quantum of its own; the last quantum's outcome is entered when the next step waits.</summary>
    private async Task StepAsync(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Assert.True(await _script.Started.WaitAsync(JobsHost.Patience));
            _ = _host.Queries.AskAsync(JobsHost.Query(1), default);
            _permits.Release();
        }
        await JobsHost.EventuallyAsync(() => _script.Started.CurrentCount > 0);
    }
}
