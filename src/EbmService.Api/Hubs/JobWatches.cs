using EbmService.Api.Jobs;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.AspNetCore.SignalR;

namespace EbmService.Api.Hubs;

/// <summary>
/// One pump per connection and watched job. A pump waits for its own client only: one that doesn't read holds up nothing
/// but its own pump, whose job log then drops progress for it. Thread-safe.
/// </summary>
internal sealed class JobWatches(IHubContext<JobsHub, IJobsClient> hub, ILogger<JobWatches> logger)
{
    internal const string AllJobs = "*";
    internal const int MaxPerConnection = 200;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<string, Watch>> _connections = [];

    /// <value>Connections that watch something.</value>
    internal int Connections
    {
        get
        {
            lock (_lock)
                return _connections.Count;
        }
    }

    /// <returns>False when the connection watches too many jobs already.</returns>
    /// <param name="prefix">What the addresses in this client's messages begin with.</param>
    /// <param name="jobs">Those that the client reaches.</param>
    internal bool TryStart(IJobService jobs, string connectionId, string key, PathString prefix, CancellationToken aborted)
    {
        lock (_lock)
        {
            if (!_connections.TryGetValue(connectionId, out Dictionary<string, Watch>? watches))
                _connections[connectionId] = watches = [];
            Watch? earlier = watches.GetValueOrDefault(key);
            if (earlier is null && watches.Values.Count(other => !other.Source.IsCancellationRequested) >= MaxPerConnection)
                return false;
            var watch = new Watch(connectionId, key, prefix, CancellationTokenSource.CreateLinkedTokenSource(aborted));
            // Before the cancel: the earlier pump may end within it, and takes the connection away where nobody has its place.
            watches[key] = watch;
            // Watching again starts anew from the current state: what a client wants after it lost track.
            earlier?.Source.Cancel();
            watch.Pump = PumpAsync(jobs, watch, earlier?.Pump ?? Task.CompletedTask);
            return true;
        }
    }

    internal void End(string connectionId, string key)
    {
        lock (_lock)
        {
            if (_connections.TryGetValue(connectionId, out Dictionary<string, Watch>? watches)
                && watches.TryGetValue(key, out Watch? watch))
                watch.Source.Cancel();
        }
    }

    internal void EndAll(string connectionId)
    {
        lock (_lock)
        {
            if (!_connections.TryGetValue(connectionId, out Dictionary<string, Watch>? watches))
                return;
            foreach (Watch watch in watches.Values.ToArray())
                watch.Source.Cancel();
        }
    }

    private async Task PumpAsync(IJobService jobs, Watch watch, Task earlier)
    {
        // The hub method answers before the first event leaves.
        await Task.Yield();
        try
        {
            // Two pumps of a job would send its events out of order.
            await earlier;
            IJobsClient client = hub.Clients.Client(watch.ConnectionId);
            await foreach (JobLogEntry happened in jobs.WatchAsync(watch.Key == AllJobs ? null : watch.Key, 0, watch.Source.Token))
                await SendAsync(client, happened, watch.Prefix);
        }
        catch (OperationCanceledException) when (watch.Source.IsCancellationRequested)
        {
            // Unwatched or disconnected.
        }
        catch (Exception failure)
        {
            ApiLog.WatchFailed(logger, watch.ConnectionId, failure);
        }
        finally
        {
            Remove(watch);
        }
    }

    private void Remove(Watch watch)
    {
        lock (_lock)
        {
            // A later watch of the same job may have its place already.
            if (_connections.TryGetValue(watch.ConnectionId, out Dictionary<string, Watch>? watches)
                && watches.GetValueOrDefault(watch.Key) == watch)
            {
                watches.Remove(watch.Key);
                if (watches.Count == 0)
                    _connections.Remove(watch.ConnectionId);
            }
            // Under the lock, as a cancel of a disposed source throws.
            watch.Source.Dispose();
        }
    }

    private static Task SendAsync(IJobsClient client, JobLogEntry happened, PathString prefix) => happened switch
    {
        JobChangedEntry changed => client.JobChanged(
            JobContractMapper.ToResponse(changed.Job, prefix) with { Sequence = changed.Sequence > 0 ? changed.Sequence : null }),
        JobProgressEntry progress => client.JobProgress(JobContractMapper.ToMessage(progress)),
        JobPreviewEntry preview => client.JobPreview(preview.JobId, preview.Step, preview.Png),
        _ => Task.CompletedTask,
    };

    private sealed class Watch(string connectionId, string key, PathString prefix, CancellationTokenSource source)
    {
        internal string ConnectionId => connectionId;

        internal string Key => key;

        internal PathString Prefix => prefix;

        internal CancellationTokenSource Source => source;

        internal Task Pump { get; set; } = Task.CompletedTask;
    }
}
