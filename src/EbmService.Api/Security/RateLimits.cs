using System.Globalization;
using System.Threading.RateLimiting;
using EbmService.Api.Errors;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Keys;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Security;

/// <summary>
/// Requests a second of each tenant, by the framework's rate limiter, and the headers that tell how many are left
/// (draft-ietf-httpapi-ratelimit-headers). Routes that are open to all don't count.
/// </summary>
internal sealed class RateLimits(IOptions<QuotaOptions> quotas) : IConfigureOptions<RateLimiterOptions>, IDisposable
{
    private const string Policy = "requests";
    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
    {
        string tenant = TenantOf(context);
        return Counts(context) && quotas.Value.Of(tenant) is { RequestsPerSecond: { } rate } quota
            ? RateLimitPartition.GetTokenBucketLimiter(tenant, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = BurstOf(quota, rate), TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromSeconds(1 / rate), QueueLimit = 0,
            })
            : RateLimitPartition.GetNoLimiter("");
    });

    public void Configure(RateLimiterOptions options)
    {
        options.GlobalLimiter = _limiter;
        options.OnRejected = RejectAsync;
    }

    public void Dispose() => _limiter.Dispose();

    /// <summary>Stands behind the limiter: tells how many requests are left after this one.</summary>
    internal Task DescribeAsync(HttpContext context, RequestDelegate next)
    {
        if (Counts(context) && quotas.Value.Of(TenantOf(context)) is { RequestsPerSecond: { } rate } quota)
            Describe(context, quota, rate, _limiter.GetStatistics(context)?.CurrentAvailablePermits ?? 0);
        return next(context);
    }

    private async ValueTask RejectAsync(OnRejectedContext rejected, CancellationToken cancellationToken)
    {
        HttpContext context = rejected.HttpContext;
        TenantQuota quota = quotas.Value.Of(TenantOf(context));
        double rate = quota.RequestsPerSecond ?? 1;
        Describe(context, quota, rate, left: 0);
        TimeSpan wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan known) ? known : TimeSpan.FromSeconds(1 / rate);
        var failure = new Failure(FailureCode.QuotaExceeded, "The tenant sends more requests than its quota allows.",
            "Wait for the time in Retry-After; RateLimit tells how many are left. The operator raises Quotas.") { RetryAfter = wait };
        await new FailureResult(failure).ExecuteAsync(context);
    }

    private static void Describe(HttpContext context, TenantQuota quota, double rate, long left)
    {
        int burst = BurstOf(quota, rate);
        long window = (long)Math.Ceiling(burst / rate), full = (long)Math.Ceiling((burst - left) / rate);
        context.Response.Headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"{Policy}\";q={burst};w={window}");
        context.Response.Headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{Policy}\";r={left};t={full}");
    }

    private static int BurstOf(TenantQuota quota, double rate) => quota.Burst ?? (int)Math.Max(1, Math.Ceiling(rate));

    private static bool Counts(HttpContext context) =>
        context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null;

    private static string TenantOf(HttpContext context) => Caller.TenantOf(context.User)
        ?? (context.Request.Headers[Jobs.TenantHeader.Name].ToString() is { Length: > 0 } named && TenantName.IsValid(named)
            ? named : JobSnapshot.DefaultTenant);
}
