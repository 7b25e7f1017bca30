using System.Collections.Concurrent;
using EbmService.Api.Jobs;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.AspNetCore.SignalR;

namespace EbmService.Api.Hubs;

/// <summary>
/// One pump per connection and watched job. A pump waits for its own client only: one that doesn't read holds up nothing
/// but its own pump, whose job log then drops progress for it. Thread-safe.
/// </summary>
internal sealed class JobWatches(IHubContext<JobsHub, IJobsClient> hub, IJobService jobs, ILogger<JobWatches> logger)
{
    internal const string AllJobs = "*";
    internal const int MaxPerConnection = 200;

    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, CancellationTokenSource>> _connections = new();

    /// <returns>False when the connection watches too many jobs already.</returns>
    internal bool TryStart(string connectionId, string key, CancellationToken aborted)
    {
        ConcurrentDictionary<string, CancellationTokenSource> watches = _connections.GetOrAdd(connectionId, _ => new());
        if (watches.Count >= MaxPerConnection && !watches.ContainsKey(key))
            return false;
        var source = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        // Watching again starts anew from the current state: what a client wants after it lost track.
        watches.AddOrUpdate(key, source, (_, earlier) =>
        {
            earlier.Cancel();
            return source;
        });
        _ = PumpAsync(connectionId, key, watches, source);
        return true;
    }

    internal void End(string connectionId, string key)
    {
        if (_connections.TryGetValue(connectionId, out var watches) && watches.TryRemove(key, out CancellationTokenSource? source))
            source.Cancel();
    }

    internal void EndAll(string connectionId)
    {
        if (!_connections.TryRemove(connectionId, out var watches))
            return;
        foreach (CancellationTokenSource source in watches.Values)
            source.Cancel();
    }

    private async Task PumpAsync(
        string connectionId, string key, ConcurrentDictionary<string, CancellationTokenSource> watches, CancellationTokenSource source)
    {
        // The hub method answers before the first event leaves.
        await Task.Yield();
        try
        {
            IJobsClient client = hub.Clients.Client(connectionId);
            await foreach (JobEvent happened in jobs.WatchAsync(key == AllJobs ? null : key, 0, source.Token))
                await SendAsync(client, happened);
        }
        catch (OperationCanceledException) when (source.IsCancellationRequested)
        {
            // Unwatched or disconnected.
        }
        catch (Exception failure)
        {
            ApiLog.WatchFailed(logger, connectionId, failure);
        }
        finally
        {
            watches.TryRemove(KeyValuePair.Create(key, source));
        }
    }

    private static Task SendAsync(IJobsClient client, JobEvent happened) => happened switch
    {
        JobChangedEvent changed => client.JobChanged(JobContractMapper.ToResponse(changed.Job)),
        JobProgressEvent progress => client.JobProgress(JobProgressMessage.Of(progress)),
        JobPreviewEvent preview => client.JobPreview(preview.JobId, preview.Step, preview.Png),
        _ => Task.CompletedTask,
    };
}
