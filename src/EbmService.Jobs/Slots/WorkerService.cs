using EbmService.Core.Devices;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Slots;

/// <summary>
/// Starts before anything listens (database, unfinished jobs, slots) and stops after: first new work is refused and watchers
/// leave, then the slots end their quantum and save their blocks, and what was saved is written. Jobs in flight stay <c>running</c> in the
/// database; the next process goes on with their state.
/// </summary>
internal sealed class WorkerService(
    JobRecovery recovery, LiveJobs live, SlotBoard board, CheckpointWriter checkpoints, JobEventHub hub,
    IComputeDevice device, DatabaseWriter database,
    IServiceProvider services, IOptions<WorkerOptions> options, ILogger<WorkerService> log) : IHostedLifecycleService
{
    private readonly List<Slot> _slots = [];

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        int jobs = await recovery.RunAsync(cancellationToken);
        int count = options.Value.Slots > 0 ? options.Value.Slots : device.Info.Slots;
        for (int i = 0; i < count; i++)
            _slots.Add(ActivatorUtilities.CreateInstance<Slot>(services));
        foreach (Slot slot in _slots)
            slot.Start();
        // Nobody else asks for it: it is read by whoever exports metrics.
        services.GetRequiredService<ResourceMetrics>();
        checkpoints.Start();
        log.WorkerStarted(count, device.Info.Kind, jobs);
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        board.Stop();
        hub.Complete();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(options.Value.StopSeconds));
        try
        {
            // The last quanta may still end jobs: what is to be recorded is known only after them.
            await Task.WhenAll(_slots.Select(slot => slot.Left)).WaitAsync(limit.Token);
            checkpoints.WriteParked();
            await Task.WhenAll(live.InOrder.Select(job => job.Stored)).WaitAsync(limit.Token);
            foreach (Job job in live.InOrder)
                job.Trace?.Interrupt();
            log.WorkerStopped();
        }
        catch (OperationCanceledException)
        {
            log.WorkerStopTimedOut(options.Value.StopSeconds);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Before another process may take the folder.
    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        database.Dispose();
        return Task.CompletedTask;
    }
}
