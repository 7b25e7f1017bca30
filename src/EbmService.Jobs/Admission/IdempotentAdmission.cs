using System.Security.Cryptography;
using System.Text;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Admission;

/// <summary>The Idempotency-Key of a request: a key of another tenant is another key.</summary>
/// <param name="Tenant">Who sent it.</param>
/// <param name="Key">1 to 255 characters.</param>
/// <param name="Fingerprint">What the request means, compared when the key comes again.</param>
public sealed record SubmissionKey(string Tenant, string Key, string Fingerprint)
{
    /// <value>
    /// The key as it is stored: the default tenant's as it came, as before there were tenants; another's behind a line feed,
    /// which no key has, as the hash of both, since the two together may be too long.
    /// </value>
    internal string Stored => Tenant == JobSnapshot.DefaultTenant
        ? Key
        : "\n" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Tenant}\n{Key}")));
}

/// <summary>
/// Lets a request that comes twice make one job. Simultaneous ones wait for the first; whoever
/// comes later is answered with its job before the request is looked at, so that it makes no
/// difference whether the model or the source has gone meanwhile. Thread-safe.
/// </summary>
internal sealed class IdempotentAdmission(JobAdmission admission, JobStore store, TimeProvider clock)
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Turn> _turns = new(StringComparer.Ordinal);

    /// <param name="create">Makes the submission where the key is new.</param>
    /// <returns>The id of the job that the key made, now or before.</returns>
    public async Task<Outcome<string>> SubmitAsync(
        SubmissionKey key, Func<CancellationToken, Task<Outcome<JobSubmission>>> create, CancellationToken cancellationToken)
    {
        if (key.Key.Length is 0 or > JobsDbContext.MaxKeyLength)
            return Failure.OfFields([new("Idempotency-Key", $"The key has 1 to {JobsDbContext.MaxKeyLength} characters.")]);
        string stored = key.Stored;
        Turn turn = Join(stored);
        try
        {
            if (!await WaitAsync(turn, cancellationToken))
            {
                return new Failure(FailureCode.IdempotencyInFlight,
                    "The first request with this Idempotency-Key is still being taken in.", "Send it again in a moment.");
            }
            try
            {
                return await store.FindKeyAsync(stored, cancellationToken) is { } known
                    ? Match(known, key)
                    : await CreateAsync(key, create, cancellationToken);
            }
            finally
            {
                turn.Gate.Release();
            }
        }
        finally
        {
            Leave(stored, turn);
        }
    }

    private async Task<Outcome<string>> CreateAsync(
        SubmissionKey key, Func<CancellationToken, Task<Outcome<JobSubmission>>> create, CancellationToken cancellationToken)
    {
        Outcome<JobSubmission> submission = await create(cancellationToken);
        return submission.Succeeded
            ? await admission.SubmitAsync(submission.Value with { IdempotencyKey = key.Stored, RequestFingerprint = key.Fingerprint })
            : submission.Failure;
    }

    private static Outcome<string> Match(IdempotencyRow known, SubmissionKey key) => known.Fingerprint == key.Fingerprint
        ? known.JobId
        : new Failure(FailureCode.IdempotencyMismatch, "This Idempotency-Key was used with another request.",
            "Use a new key for a new request.");

    private async Task<bool> WaitAsync(Turn turn, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await turn.Gate.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private Turn Join(string key)
    {
        lock (_lock)
        {
            if (!_turns.TryGetValue(key, out Turn? turn))
                _turns[key] = turn = new Turn();
            turn.Members++;
            return turn;
        }
    }

    private void Leave(string key, Turn turn)
    {
        lock (_lock)
        {
            if (--turn.Members > 0)
                return;
            _turns.Remove(key);
            turn.Gate.Dispose();
        }
    }

    private sealed class Turn
    {
        internal SemaphoreSlim Gate { get; } = new(1, 1);

        internal int Members { get; set; }
    }
}
