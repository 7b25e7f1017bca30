using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Telemetry;

/// <summary>What the engine's metrics tell. Section <c>Telemetry</c>.</summary>
public sealed class JobsTelemetryOptions
{
    public const string Section = "Telemetry";

    /// <value>Whether metrics of jobs carry their tenant: false by default, for whoever may read the metrics then reads the tenants' names.</value>
    public bool TenantTag { get; set; }
}

/// <summary>The tenant as an attribute, where the configuration asks for it. Thread-safe.</summary>
internal sealed class TenantTag(IOptions<JobsTelemetryOptions> options)
{
    /// <summary>Without keys anybody may write any tenant: those beyond so many are told together.</summary>
    public const int MaxTenants = 100;

    public const string Others = "(others)";

    private readonly ConcurrentDictionary<string, string> _known = new(StringComparer.Ordinal);

    public void AddTo(ref System.Diagnostics.TagList tags, string tenant)
    {
        if (!options.Value.TenantTag)
            return;
        if (!_known.TryGetValue(tenant, out string? shown))
            shown = _known.Count < MaxTenants ? _known.GetOrAdd(tenant, tenant) : Others;
        tags.Add(Tags.Tenant, shown);
    }
}
