using System.Collections.Frozen;
using System.Security.Claims;
using System.Security.Cryptography;
using EbmService.Core.Failures;
using EbmService.Jobs.Keys;
using EbmService.Jobs.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Security;

/// <summary>
/// The keys as requests are held against them, in memory: the table is read again every <see cref="SecurityOptions.KeyRefreshSeconds"/>, and no
/// request waits for it. While the table can't be read the keys stay those that were read last. Thread-safe.
/// </summary>
internal sealed class KeyRing(IApiKeys store, IOptions<SecurityOptions> options, TimeProvider clock, AuditLog audit, ILogger<KeyRing> log)
    : IHostedLifecycleService, IDisposable
{
    /// <summary>Compared with where there is no key of that id, so that both take the same time; no text has this hash.</summary>
    private static readonly byte[] s_nobody = new byte[SHA256.HashSizeInBytes];

    private readonly CancellationTokenSource _open = new();
    private CancellationTokenSource? _stop = new();
    private volatile FrozenDictionary<string, RingKey> _keys = FrozenDictionary<string, RingKey>.Empty;
    private volatile bool _isClosed;
    private Task _reading = Task.CompletedTask;

    /// <value>
    /// Whether nobody has to authenticate: no key was ever made, no issuer of tokens is configured, and the settings don't ask for keys. A
    /// revoked key keeps the service closed, and once closed it stays so for the life of the process.
    /// </value>
    internal bool IsOpen => !_isClosed;

    /// <value>Is cancelled when the first key closes the service: who came in without one goes.</value>
    internal CancellationToken EndOfOpen => _open.Token;

    /// <summary>Holds a text against the keys.</summary>
    /// <returns>The caller, or a failure whose message may be shown: only who holds a key learns what has become of it.</returns>
    internal AuthenticateResult Check(string token)
    {
        RingKey? key = ApiKeyText.IdOf(token) is { } id ? _keys.GetValueOrDefault(id) : null;
        bool isRight = token.Length == ApiKeyText.Length
            && CryptographicOperations.FixedTimeEquals(ApiKeyText.HashOf(token), key?.Hash ?? s_nobody);
        if (!isRight || key is null)
            return Refusals.Unknown;
        if (key.Key.RevokedAt is not null)
            return Refusals.Revoked;
        return key.Key.ExpiresAt <= clock.GetUtcNow() ? Refusals.Expired : key.Caller;
    }

    /// <summary>Is cancelled when the key is revoked or expires; at once where it is not among the keys.</summary>
    internal CancellationToken EndOf(string id) =>
        _keys.TryGetValue(id, out RingKey? key) ? key.Ended.Token : new CancellationToken(canceled: true);

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _isClosed = options.Value.RequireKey || options.Value.Jwt.IsConfigured;
        try
        {
            await ReadAsync(cancellationToken);
        }
        catch (FailureException e)
        {
            throw new StorageUnavailableException($"The keys can't be read: {e.Failure.Message} {e.Failure.Remedy}".TrimEnd(), e);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _reading = ReadAgainAsync(_stop!.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // A host may be stopped twice.
        if (Interlocked.Exchange(ref _stop, null) is not { } stop)
            return;
        await stop.CancelAsync();
        stop.Dispose();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => Interlocked.Exchange(ref _stop, null)?.Dispose();

    private async Task ReadAgainAsync(CancellationToken stopped)
    {
        bool fails = false;
        while (true)
        {
            await Task.Delay(TimeSpan.FromSeconds(options.Value.KeyRefreshSeconds), clock, stopped);
            try
            {
                await ReadAsync(stopped);
                fails = false;
            }
            catch (Exception e) when (e is not OperationCanceledException || !stopped.IsCancellationRequested)
            {
                if (!fails)
                    ApiLog.KeysNotRead(log, e);
                fails = true;
                // Keys expire all the same.
                EndExpired();
            }
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ApiKey> stored = await store.ListAsync(cancellationToken);
        FrozenDictionary<string, RingKey> before = _keys;
        bool isFirst = before.Count == 0 && stored.Count > 0 && IsOpen;
        var now = new Dictionary<string, RingKey>(stored.Count, StringComparer.Ordinal);
        bool isChanged = stored.Count != before.Count;
        foreach (ApiKey key in stored)
        {
            bool isKnown = before.TryGetValue(key.Id, out RingKey? known) && known.IsSame(key);
            now[key.Id] = isKnown ? known! : new RingKey(key);
            isChanged |= !isKnown;
        }
        bool closes = stored.Count > 0 && IsOpen;
        if (closes)
            _isClosed = true;
        if (isChanged)
        {
            _keys = now.ToFrozenDictionary(StringComparer.Ordinal);
            if (isFirst)
                audit.Closed(stored.Count);
            foreach (RingKey gone in before.Values.Where(old => !now.TryGetValue(old.Key.Id, out RingKey? key) || key != old))
                gone.Ended.Cancel();
            foreach (ApiKey key in stored.Where(key => !before.TryGetValue(key.Id, out RingKey? old) || old != now[key.Id]))
                audit.KeyRead(key, clock.GetUtcNow());
        }
        if (closes)
            await _open.CancelAsync();
        EndExpired();
    }

    private void EndExpired()
    {
        DateTimeOffset now = clock.GetUtcNow();
        foreach (RingKey key in _keys.Values)
        {
            if ((key.Key.RevokedAt is not null || key.Key.ExpiresAt <= now) && !key.Ended.IsCancellationRequested)
                key.Ended.Cancel();
        }
    }

    private static class Refusals
    {
        internal static AuthenticateResult Unknown { get; } = AuthenticateResult.Fail("The key is not one of this service's.");

        internal static AuthenticateResult Revoked { get; } = AuthenticateResult.Fail("The key has been revoked.");

        internal static AuthenticateResult Expired { get; } = AuthenticateResult.Fail("The key has expired.");
    }

    private sealed class RingKey(ApiKey key)
    {
        internal ApiKey Key => key;

        internal byte[] Hash { get; } = Convert.FromHexString(key.Hash);

        internal AuthenticateResult Caller { get; } = AuthenticateResult.Success(new AuthenticationTicket(
            new ClaimsPrincipal(CallerClaims.Identity(CallerKind.Key, key.Id, key.Name, key.Tenant, key.Scopes)), SchemeNames.Key));

        internal CancellationTokenSource Ended { get; } = new();

        internal bool IsSame(ApiKey other) => key with { Scopes = other.Scopes } == other && key.Scopes.SequenceEqual(other.Scopes);
    }
}
