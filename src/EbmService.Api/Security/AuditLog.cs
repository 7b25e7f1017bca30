using System.Globalization;
using EbmService.Jobs.Keys;

namespace EbmService.Api.Security;

/// <summary>
/// Who changed what, under the log category <c>EbmService.Audit</c>: calls that need models:admin, keys as they come and go, and who was
/// refused. Of refusals at most one a second is written, with the number of those that were not. Thread-safe.
/// </summary>
internal sealed class AuditLog(ILoggerFactory loggers, TimeProvider clock)
{
    internal const string Category = "EbmService.Audit";

    private readonly ILogger _log = loggers.CreateLogger(Category);
    private readonly Lock _lock = new();
    private long? _refusedAt;
    private int _unwritten;

    /// <param name="what">Method and path.</param>
    /// <param name="result">The status of the answer.</param>
    internal void AdminCall(HttpContext context, string what, string result) =>
        ApiLog.AdminCall(_log, Caller.Describe(context.User), Caller.TenantOf(context.User) ?? "", what, result, AddressOf(context));

    internal void Refused(HttpContext context, string reason)
    {
        int unwritten;
        lock (_lock)
        {
            if (_refusedAt is { } last && clock.GetElapsedTime(last) < TimeSpan.FromSeconds(1))
            {
                _unwritten++;
                return;
            }
            _refusedAt = clock.GetTimestamp();
            (unwritten, _unwritten) = (_unwritten, 0);
        }
        ApiLog.Refused(_log, WhatOf(context), reason, AddressOf(context), unwritten);
    }

    /// <summary>The first key was found: from now on requests need one.</summary>
    internal void Closed(int count) => ApiLog.KeysNeeded(_log, count);

    /// <summary>A key was found that was not there before, or not like this.</summary>
    internal void KeyRead(ApiKey key, DateTimeOffset now)
    {
        string state = key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= now ? "expired" : "in force";
        ApiLog.KeyRead(_log, key.Id, key.Name, key.Tenant, string.Join(' ', key.Scopes), state,
            key.ExpiresAt?.ToString("u", CultureInfo.InvariantCulture) ?? "never");
    }

    /// <summary>Escaped: a path may hold anything, line breaks too.</summary>
    internal static string WhatOf(HttpContext context) => $"{context.Request.Method} {context.Request.Path.ToUriComponent()}";

    private static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";
}

/// <summary>Writes the audit log of requests to routes that need models:admin, whether they are let in or not.</summary>
internal static class AdminAudit
{
    /// <summary>Stands after routing and authentication, before authorization.</summary>
    internal static async Task InvokeAsync(HttpContext context, RequestDelegate next, AuditLog audit)
    {
        if (context.GetEndpoint()?.Metadata.GetOrderedMetadata<Microsoft.AspNetCore.Authorization.IAuthorizeData>()
            .Any(data => data.Policy == Scopes.ModelsAdmin) is not true)
        {
            await next(context);
            return;
        }
        string what = AuditLog.WhatOf(context);
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            audit.AdminCall(context, what, $"ended by {e.GetType().Name}");
            throw;
        }
        audit.AdminCall(context, what, context.Response.StatusCode.ToString(CultureInfo.InvariantCulture));
    }
}
