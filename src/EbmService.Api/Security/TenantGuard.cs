using EbmService.Api.Errors;
using EbmService.Api.Jobs;
using EbmService.Core.Failures;

namespace EbmService.Api.Security;

/// <summary>A key's tenant is the only one that its holder may name, in X-Tenant or in ?tenant=; answers to it are for no shared cache.</summary>
internal static class TenantGuard
{
    /// <summary>Stands behind authorization.</summary>
    internal static Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (Caller.TenantOf(context.User) is not { } tenant)
            return next(context);
        bool names = context.Request.Headers[TenantHeader.Name].Any(named => named != tenant)
            || (context.Request.Query["tenant"].Any(named => named != tenant));
        if (names)
        {
            return new FailureResult(new Failure(FailureCode.Forbidden, $"The key belongs to the tenant '{tenant}' and reaches no other.",
                $"Leave {TenantHeader.Name} out, or use a key of that tenant.")).ExecuteAsync(context);
        }
        context.Response.Headers.CacheControl = "private, no-cache";
        return next(context);
    }
}
