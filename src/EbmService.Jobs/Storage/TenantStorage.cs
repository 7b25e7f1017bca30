using System.Collections.Concurrent;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>Holds what tenants store against their quotas. Thread-safe.</summary>
public interface ITenantStorage
{
    /// <summary>How many bytes the tenant may still store, 0 at least; null without a quota.</summary>
    Task<long?> LeftAsync(string tenant, CancellationToken cancellationToken);
}

/// <summary>
/// Results by the database, datasets by their index. The sum of the results is kept for some seconds: jobs that end at the same time may
/// together leave more than the quota, and the next one is refused.
/// </summary>
internal sealed class TenantStorage(DatabaseReader reader, DatasetStore datasets, IOptions<QuotaOptions> quotas, TimeProvider clock) : ITenantStorage
{
    private const int Kept = 1000;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, (long At, long Bytes)> _results = new(StringComparer.Ordinal);

    public async Task<long?> LeftAsync(string tenant, CancellationToken cancellationToken) =>
        quotas.Value.Of(tenant).StoredBytes is { } limit
            ? Math.Max(0, limit - datasets.BytesOf(tenant) - await ResultsOfAsync(tenant, cancellationToken)) : null;

    /// <summary>Why the tenant may not store so many bytes more; null where it may.</summary>
    public async Task<Failure?> CheckAsync(string tenant, double bytes, CancellationToken cancellationToken) =>
        await LeftAsync(tenant, cancellationToken) is { } left && (left == 0 || bytes > left) ? TooMuch(bytes, left) : null;

    internal static Failure TooMuch(double bytes, long left) => new(FailureCode.QuotaExceeded, bytes > left && left > 0
        ? FormattableString.Invariant($"This would store about {bytes:F0} bytes, and the tenant's quota has {left} left.")
        : "The tenant's quota of stored bytes is used up.", "Delete jobs that have ended or datasets, or ask the operator for more (Quotas).");

    private async Task<long> ResultsOfAsync(string tenant, CancellationToken cancellationToken)
    {
        if (_results.TryGetValue(tenant, out (long At, long Bytes) known) && clock.GetElapsedTime(known.At) < Fresh)
            return known.Bytes;
        List<string> lists = await reader.ReadAsync(context =>
            context.Jobs.Where(row => row.Tenant == tenant && row.Results != "[]").Select(row => row.Results).ToList(), cancellationToken);
        long bytes = lists.Sum(list => JobRowMapper.FromJson<ResultEntry[]>(list).Sum(entry => entry.Size));
        if (_results.Count >= Kept)
            _results.Clear();
        _results[tenant] = (clock.GetTimestamp(), bytes);
        return bytes;
    }
}
