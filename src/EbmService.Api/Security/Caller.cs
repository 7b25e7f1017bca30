using System.Globalization;
using System.Security.Claims;
using EbmService.Core.Jobs;

namespace EbmService.Api.Security;

internal static class SchemeNames
{
    internal const string Any = "Any";
    internal const string Key = "Key";
    internal const string Jwt = "Jwt";
}

/// <summary>How a caller came in.</summary>
internal enum CallerKind
{
    /// <summary>Nobody has to authenticate.</summary>
    Open,

    Key,

    Token,
}

/// <summary>What the service keeps of a key or a token while it answers a request.</summary>
internal static class CallerClaims
{
    internal const string Scope = "ebm:scope";
    internal const string Tenant = "ebm:tenant";
    internal const string Id = "ebm:id";
    internal const string Expires = "ebm:expires";

    internal static ClaimsIdentity Identity(
        CallerKind kind, string id, string name, string? tenant, IEnumerable<string> scopes, DateTimeOffset? expires = null)
    {
        var identity = new ClaimsIdentity(kind.ToString(), ClaimTypes.Name, ClaimTypes.Role);
        identity.AddClaim(new Claim(Id, id));
        identity.AddClaim(new Claim(ClaimTypes.Name, name));
        if (tenant is not null)
            identity.AddClaim(new Claim(Tenant, tenant));
        if (expires is { } end)
            identity.AddClaim(new Claim(Expires, end.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));
        identity.AddClaims(scopes.Select(scope => new Claim(Scope, scope)));
        return identity;
    }
}

/// <summary>Who sends a request. One per request, from its user; hubs make one per connection.</summary>
internal sealed class Caller(ClaimsPrincipal user, KeyRing keys, TimeProvider clock)
{
    private const string Anybody = "anybody";

    /// <value>Whose jobs, results and datasets the caller reaches; null where nobody has to authenticate: then everybody's jobs.</value>
    internal string? Tenant { get; } = TenantOf(user);

    /// <value>Whose datasets: where nobody has to authenticate the default tenant's.</value>
    internal string DatasetTenant => Tenant ?? JobSnapshot.DefaultTenant;

    internal CallerKind Kind => Enum.TryParse(user.Identity?.AuthenticationType, out CallerKind kind) ? kind : CallerKind.Open;

    /// <value>For logs: what kind of caller, which one, and what it is called.</value>
    internal string Name => Describe(user);

    internal static string? TenantOf(ClaimsPrincipal user) => user.FindFirst(CallerClaims.Tenant)?.Value;

    internal static string Describe(ClaimsPrincipal user) => user.Identity is { IsAuthenticated: true, AuthenticationType: { } type }
        && type != nameof(CallerKind.Open)
        ? $"{type.ToLowerInvariant()} {user.FindFirst(CallerClaims.Id)?.Value} ({user.Identity.Name})" : Anybody;

    internal bool Has(string scope) => user.HasClaim(CallerClaims.Scope, scope);

    /// <summary>For what outlives the check of a request: a token that is cancelled when the caller may come in no more.</summary>
    internal CallerLease Lease()
    {
        if (Kind == CallerKind.Key)
            return new CallerLease(keys.EndOf(user.FindFirst(CallerClaims.Id)!.Value), source: null);
        if (Kind == CallerKind.Open)
            return new CallerLease(keys.EndOfOpen, source: null);
        if (user.FindFirst(CallerClaims.Expires) is not { } end)
            return new CallerLease(CancellationToken.None, source: null);
        TimeSpan left = DateTimeOffset.FromUnixTimeSeconds(long.Parse(end.Value, CultureInfo.InvariantCulture)) - clock.GetUtcNow();
        // A timer counts at most 49 days.
        var source = new CancellationTokenSource(TimeSpan.FromSeconds(Math.Clamp(left.TotalSeconds, 0, 4_000_000)), clock);
        return new CallerLease(source.Token, source);
    }
}

/// <summary>How long a caller may stay.</summary>
internal sealed class CallerLease(CancellationToken ended, CancellationTokenSource? source) : IDisposable
{
    internal CancellationToken Ended => ended;

    public void Dispose() => source?.Dispose();
}
