using EbmService.Jobs.Keys;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <summary>What a tenant may take of the service. Section <c>Quotas</c>; without it nothing but the service's own limits counts.</summary>
public sealed class QuotaOptions
{
    public const string Section = "Quotas";

    /// <value>For every tenant that has no entry of its own, and for what its entry leaves out.</value>
    public TenantQuota Default { get; set; } = new();

    /// <value>By tenant.</value>
    public Dictionary<string, TenantQuota> Tenants { get; set; } = new(StringComparer.Ordinal);

    /// <summary>What counts for a tenant.</summary>
    public TenantQuota Of(string tenant) => Tenants.TryGetValue(tenant, out TenantQuota? own) ? own.Or(Default) : Default;

    internal bool LimitsConcurrency => Default.ConcurrentJobs is not null || Tenants.Values.Any(quota => quota.ConcurrentJobs is not null);
}

/// <summary>The quota of one tenant; what is null is not limited.</summary>
public sealed class TenantQuota
{
    /// <value>Requests a second in the long run, 0.01 to 1 000 000.</value>
    public double? RequestsPerSecond { get; set; }

    /// <value>Requests at once after a pause, 1 to 1 000 000; as many as a second allows, and at least one, by default.</value>
    public int? Burst { get; set; }

    /// <value>Jobs that run at the same time, 1 to 1 000 000; the others wait in the queue.</value>
    public int? ConcurrentJobs { get; set; }

    /// <value>Jobs that wait or are paused, 1 to 1 000 000; one more is answered 429.</value>
    public int? QueuedJobs { get; set; }

    /// <value>Bytes of results and datasets, 0 to 2^62; a job or an upload beyond it is answered 429.</value>
    public long? StoredBytes { get; set; }

    internal TenantQuota Or(TenantQuota other) => new()
    {
        RequestsPerSecond = RequestsPerSecond ?? other.RequestsPerSecond,
        Burst = Burst ?? (RequestsPerSecond is null ? other.Burst : null),
        ConcurrentJobs = ConcurrentJobs ?? other.ConcurrentJobs,
        QueuedJobs = QueuedJobs ?? other.QueuedJobs,
        StoredBytes = StoredBytes ?? other.StoredBytes,
    };
}

/// <summary>Checks all members of all tenants and reports all errors together.</summary>
internal sealed class QuotaOptionsValidator : IValidateOptions<QuotaOptions>
{
    private const int MaxCount = 1_000_000;

    public ValidateOptionsResult Validate(string? name, QuotaOptions options)
    {
        List<string> errors = [.. options.Tenants.Keys.Where(tenant => !TenantName.IsValid(tenant))
            .Select(tenant => $"Quotas:Tenants:{tenant}: a tenant's name is {TenantName.Rule}.")];
        Check("Quotas:Default", options.Default, errors);
        foreach ((string tenant, TenantQuota quota) in options.Tenants)
            Check($"Quotas:Tenants:{tenant}", quota, errors);
        return errors.Count > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }

    private static void Check(string path, TenantQuota quota, List<string> errors)
    {
        if (quota.RequestsPerSecond is not (null or (>= 0.01 and <= MaxCount)))
            errors.Add($"{path}:RequestsPerSecond must be between 0.01 and {MaxCount}.");
        foreach ((string member, int? value) in new[]
        {
            (nameof(quota.Burst), quota.Burst), (nameof(quota.ConcurrentJobs), quota.ConcurrentJobs), (nameof(quota.QueuedJobs), quota.QueuedJobs),
        })
        {
            if (value is not (null or (>= 1 and <= MaxCount)))
                errors.Add($"{path}:{member} must be between 1 and {MaxCount}.");
        }
        if (quota.StoredBytes is not (null or (>= 0 and <= 1L << 62)))
            errors.Add($"{path}:StoredBytes must be between 0 and 2^62.");
    }
}
