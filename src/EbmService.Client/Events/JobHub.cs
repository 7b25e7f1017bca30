using EbmService.Client.Http;
using EbmService.Core.Jobs;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Client.Events;

/// <summary>The hub could not be reached, or refused a watch.</summary>
internal sealed class HubUnreachableException(Exception inner) : Exception(inner.Message, inner);

/// <summary>
/// One connection to the hub that all watches share; made for the first and left when there was none for a while. When it breaks, all its
/// watches do:
/// each comes back by itself, and the first to do so makes the next connection. Thread-safe.
/// </summary>
internal sealed class JobHub(EbmHttp http, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_keepIdle = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _gate = new(1);
    private Session? _session;
    private bool _disposed;

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            _disposed = true;
            if (_session is { } session)
                await session.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes events until the watch has its end or the connection breaks.</summary>
    /// <param name="caughtUp">Called once the hub sends events.</param>
    /// <returns>Whether the watch has its end.</returns>
    /// <exception cref="HubUnreachableException">There is no connection, or the hub refused the watch.</exception>
    internal async Task<bool> WatchAsync(IJobWatch watch, Func<IJobWatch, CancellationToken, Task> caughtUp, CancellationToken cancellationToken)
    {
        Session session = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        Subscription subscription = session.Add(watch);
        try
        {
            try
            {
                await session.StartAsync(watch, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception refused) when (!cancellationToken.IsCancellationRequested)
            {
                throw new HubUnreachableException(refused);
            }
            watch.Touch();
            await caughtUp(watch, cancellationToken).ConfigureAwait(false);
            return await subscription.Ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await session.RemoveAsync(subscription).ConfigureAwait(false);
            _ = CloseIdleAsync(session);
        }
    }

    private async Task<Session> ConnectAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(EbmClient));
            // A connection belongs to the key that it was made with; its watches come back with the one that holds now.
            string? key = http.Options.ApiKey;
            if (_session is { IsOpen: true } open && open.Key == key)
                return open;
            if (_session is { } old)
                await old.DisposeAsync().ConfigureAwait(false);
            _session = null;
            var session = new Session(Build(key), key);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(s_startLimit);
            try
            {
                await session.OpenAsync(limit.Token).ConfigureAwait(false);
            }
            catch (Exception failed)
            {
                await session.DisposeAsync().ConfigureAwait(false);
                if (cancellationToken.IsCancellationRequested)
                    throw;
                throw new HubUnreachableException(failed);
            }
            return _session = session;
        }
        finally
        {
            _gate.Release();
        }
    }

    private HubConnection Build(string? key)
    {
        var address = new Uri(EbmClient.WithSlash(http.Options.BaseAddress), JobsHubContract.Path.TrimStart('/'));
        return new HubConnectionBuilder()
            .WithUrl(address, connection =>
            {
                connection.AccessTokenProvider = () => Task.FromResult(key);
                http.Options.ConfigureHub?.Invoke(connection);
            })
            .AddJsonProtocol(json => json.PayloadSerializerOptions = EbmClientJson.Options)
            .Build();
    }

    private async Task CloseIdleAsync(Session session)
    {
        if (!session.IsIdle)
            return;
        await Task.Delay(s_keepIdle, clock).ConfigureAwait(false);
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!session.IsIdle)
                return;
            if (_session == session)
                _session = null;
            await session.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private sealed class Subscription(IJobWatch watch)
    {
        internal IJobWatch Watch => watch;

        /// <value>True at the watch's end; an exception where the connection broke.</value>
        internal TaskCompletionSource<bool> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Session : IAsyncDisposable
    {
        private readonly Lock _lock = new();
        private readonly List<Subscription> _subscriptions = [];
        private readonly HubConnection _connection;
        private bool _closed;

        internal Session(HubConnection connection, string? key)
        {
            (_connection, Key) = (connection, key);
            connection.On<JobResponse>(nameof(IJobsClient.JobChanged), job => Dispatch(new JobChangedEvent(job, job.Sequence)));
            connection.On<JobProgressMessage>(nameof(IJobsClient.JobProgress), progress => Dispatch(JobMessages.ToEvent(progress)));
            connection.On<string, int, byte[]>(nameof(IJobsClient.JobPreview), (id, step, png) => Dispatch(new JobPreviewEvent(id, null, step, png)));
            connection.Closed += failure =>
            {
                Close(failure);
                return Task.CompletedTask;
            };
        }

        internal string? Key { get; }

        internal bool IsOpen
        {
            get
            {
                lock (_lock)
                    return !_closed && _connection.State == HubConnectionState.Connected;
            }
        }

        internal bool IsIdle
        {
            get
            {
                lock (_lock)
                    return _subscriptions.Count == 0;
            }
        }

        public async ValueTask DisposeAsync()
        {
            Close(null);
            await _connection.DisposeAsync().ConfigureAwait(false);
        }

        internal Task OpenAsync(CancellationToken cancellationToken) => _connection.StartAsync(cancellationToken);

        internal Subscription Add(IJobWatch watch)
        {
            var subscription = new Subscription(watch);
            lock (_lock)
            {
                if (_closed)
                    subscription.Ended.TrySetException(Broken(null));
                _subscriptions.Add(subscription);
            }
            return subscription;
        }

        internal Task StartAsync(IJobWatch watch, CancellationToken cancellationToken) => watch.JobId is { } id
            ? _connection.InvokeAsync(JobsHubContract.Watch, id, cancellationToken)
            : _connection.InvokeAsync(JobsHubContract.WatchAll, cancellationToken);

        /// <summary>Ends the watch at the hub where nobody else here has it.</summary>
        internal async Task RemoveAsync(Subscription subscription)
        {
            bool last;
            lock (_lock)
            {
                _subscriptions.Remove(subscription);
                last = _subscriptions.TrueForAll(other => other.Watch.JobId != subscription.Watch.JobId);
            }
            if (!last || subscription.Ended.Task.IsCompleted || !IsOpen)
                return;
            try
            {
                await (subscription.Watch.JobId is { } id
                    ? _connection.SendAsync(JobsHubContract.Unwatch, id)
                    : _connection.SendAsync(JobsHubContract.UnwatchAll)).ConfigureAwait(false);
            }
            catch (Exception broken) when (broken is InvalidOperationException or IOException or HubException or OperationCanceledException)
            {
                // The connection went, and the watch with it.
            }
        }

        private void Dispatch(JobEvent happened)
        {
            Subscription[] takers;
            lock (_lock)
                takers = [.. _subscriptions.Where(one => one.Watch.JobId is null || one.Watch.JobId == happened.JobId)];
            foreach (Subscription taker in takers)
            {
                if (taker.Watch.Offer(happened))
                    taker.Ended.TrySetResult(true);
            }
        }

        private void Close(Exception? failure)
        {
            Subscription[] broken;
            lock (_lock)
            {
                _closed = true;
                broken = [.. _subscriptions];
            }
            foreach (Subscription one in broken)
                one.Ended.TrySetException(Broken(failure));
        }

        private static IOException Broken(Exception? failure) => new("the connection to the hub ended", failure);
    }
}
