using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using EbmService.Client.Http;
using EbmService.Core.Jobs;

namespace EbmService.Client.Events;

/// <summary>
/// Watches over SignalR, or over server-sent events where the hub can't be reached. A watch goes through these steps until it has its end:
/// 1. connect, over the hub first; 2. take events; 3. when the connection breaks wait, longer each time, and go to 1.
/// Whatever was lost meanwhile, each connection begins with the current state, and a silent one is held against the job itself.
/// </summary>
internal sealed class JobEventSource(EbmHttp http, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    private readonly JobHub _jobHub = new(http, clock);

    // A connection that watches one job twice would see its events out of order.
    private readonly JobHub _allHub = new(http, clock);
    private readonly JobEventStream _stream = new(http);
    private long _hubBlockedAt;

    /// <value>Silence after which a watch looks at the job itself.</value>
    internal TimeSpan Silence { get; set; } = TimeSpan.FromSeconds(60);

    /// <value>How long the hub is left alone after it could not be reached and server-sent events could.</value>
    internal TimeSpan HubPause { get; set; } = TimeSpan.FromMinutes(2);

    public async ValueTask DisposeAsync()
    {
        await _jobHub.DisposeAsync().ConfigureAwait(false);
        await _allHub.DisposeAsync().ConfigureAwait(false);
    }

    internal async IAsyncEnumerable<JobEvent> WatchAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new EventBuffer();
        var watch = new JobWatch(id, buffer);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task pump = PumpAsync(watch, buffer, over.Token);
        try
        {
            while (true)
            {
                while (buffer.Take() is { } happened)
                {
                    yield return happened;
                    if (happened is JobChangedEvent { Job.Status: var status } && status.IsTerminal())
                        yield break;
                }
                if (!await IsHeardOfAsync(buffer, cancellationToken).ConfigureAwait(false))
                    await LookAsync(watch, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(false);
        }
    }

    internal async IAsyncEnumerable<JobEvent> WatchAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new EventBuffer();
        var watch = new AllJobsWatch(http.Options.Tenant, buffer);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task pump = PumpAsync(watch, buffer, over.Token);
        try
        {
            while (await buffer.WaitAsync(cancellationToken).ConfigureAwait(false))
            {
                while (buffer.Take() is { } happened)
                    yield return happened;
            }
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(false);
        }
    }

    /// <summary>Completes the buffer with what can't be mended, and never throws.</summary>
    private async Task PumpAsync(IJobWatch watch, EventBuffer buffer, CancellationToken cancellationToken)
    {
        int failures = 0;
        long lastSign = clock.GetTimestamp();
        try
        {
            while (true)
            {
                long heard = watch.Heard;
                Exception? broken = null;
                try
                {
                    if (await ConnectAsync(watch, cancellationToken).ConfigureAwait(false))
                    {
                        buffer.Complete();
                        return;
                    }
                }
                catch (Exception failed) when (!cancellationToken.IsCancellationRequested && IsPassing(failed))
                {
                    broken = failed;
                }
                if (watch.Heard != heard)
                    (failures, lastSign) = (0, clock.GetTimestamp());
                TimeSpan limit = http.Options.ReconnectTimeout;
                if (limit != Timeout.InfiniteTimeSpan && clock.GetElapsedTime(lastSign) > limit)
                    throw EbmHttp.ToException(broken ?? new IOException("the connection ended")) ?? broken!;
                await Task.Delay(PauseAfter(failures++), clock, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            buffer.Complete();
        }
        catch (Exception failed)
        {
            buffer.Complete(failed);
        }
    }

    /// <returns>Whether the watch has its end.</returns>
    private async Task<bool> ConnectAsync(IJobWatch watch, CancellationToken cancellationToken)
    {
        JobHub hub = watch.JobId is null ? _allHub : _jobHub;
        if (http.Options.Events == EventTransport.SignalR)
        {
            try
            {
                return await hub.WatchAsync(watch, CatchUpAsync, cancellationToken).ConfigureAwait(false);
            }
            catch (HubUnreachableException)
            {
                // A refusal of the service says more than the hub does.
                await http.GetAsync<object>(watch.JobId is { } id ? JobsClient.PathOf(id) : "v1/jobs?limit=1", cancellationToken).ConfigureAwait(false);
                throw;
            }
        }
        bool mayUseHub = http.Options.Events == EventTransport.Automatic
            && (_hubBlockedAt == 0 || clock.GetElapsedTime(Interlocked.Read(ref _hubBlockedAt)) > HubPause);
        bool isBlocked = false;
        if (mayUseHub)
        {
            try
            {
                return await hub.WatchAsync(watch, CatchUpAsync, cancellationToken).ConfigureAwait(false);
            }
            catch (HubUnreachableException)
            {
                isBlocked = true;
            }
        }
        return await _stream.WatchAsync(watch, async cancel =>
        {
            if (isBlocked)
                Interlocked.Exchange(ref _hubBlockedAt, clock.GetTimestamp());
            await CatchUpAsync(watch, cancel).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Jobs that ended while nobody listened: a new connection to all jobs does not tell of them.</summary>
    private async Task CatchUpAsync(IJobWatch watch, CancellationToken cancellationToken)
    {
        foreach (string id in watch.Missed())
        {
            try
            {
                JobResponse job = await http.GetAsync<JobResponse>(JobsClient.PathOf(id), cancellationToken).ConfigureAwait(false);
                if (job.Status.IsTerminal())
                    watch.Offer(new JobChangedEvent(job, null));
            }
            catch (EbmException gone) when (gone.Status == 404)
            {
                watch.Forget(id);
            }
        }
    }

    private async Task<bool> IsHeardOfAsync(EventBuffer buffer, CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(Silence, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            if (await buffer.WaitAsync(either.Token).ConfigureAwait(false))
                return true;
            // Ended without an end: the caller has cancelled.
            cancellationToken.ThrowIfCancellationRequested();
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task LookAsync(JobWatch watch, CancellationToken cancellationToken)
    {
        try
        {
            JobResponse job = await http.GetAsync<JobResponse>(JobsClient.PathOf(watch.JobId), cancellationToken).ConfigureAwait(false);
            if (job.Status.IsTerminal())
                watch.Offer(new JobChangedEvent(job, null));
        }
        catch (EbmException failed) when (IsPassing(failed))
        {
            // The pump goes on trying, and says when it has tried for too long.
        }
    }

    private TimeSpan PauseAfter(int failures)
    {
        double seconds = Math.Min(http.Options.RetryDelay.TotalSeconds * Math.Pow(2, Math.Min(failures, 10)), s_longestPause.TotalSeconds);
        // Many watches must not come back at the same moment.
        return TimeSpan.FromSeconds(seconds * (0.5 + RandomNumberGenerator.GetInt32(1000) / 1000.0));
    }

    private static bool IsPassing(Exception failed) => failed switch
    {
        EbmException { Status: 0 or 408 or 429 or >= 500 } => true,
        EbmException => false,
        HubUnreachableException or HttpRequestException or IOException or TimeoutException or OperationCanceledException => true,
        _ => false,
    };
}
