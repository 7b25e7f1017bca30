using System.Globalization;
using EbmService.Api.Errors;
using EbmService.Api.Hubs;
using EbmService.Api.Security;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace EbmService.Api.Hosting;

/// <summary>
/// Answers only to the host names of the setting AllowedHosts, so that a page can't reach the service by a name of its own;
/// /health answers any, as orchestrators ask by address. In place of the framework's filter, which answers without a problem.
/// </summary>
internal sealed class HostGuard(IConfiguration configuration)
{
    internal const string Setting = "AllowedHosts";
    private const string Any = "*";

    private readonly List<StringSegment> _allowed = Read(configuration[Setting]);

    internal Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        // HTTP/1.0 has no host.
        bool isAllowed = _allowed.Contains(Any) || request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase)
            || string.IsNullOrEmpty(request.Host.Host) || HostString.MatchesAny(request.Host.Host, _allowed);
        if (isAllowed)
            return next(context);
        return StatusCodeProblems.WriteAsync(context, StatusCodes.Status400BadRequest, "unknownHost",
            $"The service does not answer to the host name '{request.Host.Host}'.",
            $"Ask for it by one of its names, or add this one to the setting {Setting} (names separated by semicolons).");
    }

    private static List<StringSegment> Read(string? setting)
    {
        string[] names = (setting ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return names.Length == 0 ? [Any] : [.. names.Select(name => new StringSegment(Ascii(name)))];
    }

    private static string Ascii(string name) => name.All(char.IsAscii) ? name : new IdnMapping().GetAscii(name);
}

/// <summary>
/// Keeps pages of other sites from using the service through the browser of someone who can reach it: the hub, which a WebSocket
/// opens past the browser's own rules, and every method that changes something. Origins of Security:AllowedOrigins are no strangers.
/// </summary>
internal sealed class SameOriginGuard(IOptions<SecurityOptions> options)
{
    internal Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsGuarded(context.Request) || IsOwn(context.Request) || IsAllowed(context.Request))
            return next(context);
        // StatusCodeProblems writes the body.
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }

    private bool IsAllowed(HttpRequest request) =>
        request.Headers.Origin is [{ } single] && options.Value.AllowedOrigins.Contains(single, StringComparer.OrdinalIgnoreCase);

    private static bool IsGuarded(HttpRequest request) =>
        request.Path.StartsWithSegments(JobsHub.Path, StringComparison.OrdinalIgnoreCase)
        || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));

    private static bool IsOwn(HttpRequest request)
    {
        // Programs other than browsers send none.
        if (request.Headers.Origin is not { Count: > 0 } origins)
            return true;
        // "null" of a sandboxed page is no address. Behind a proxy that ends TLS only the origin knows the scheme and so the port.
        return origins is [{ } single] && Uri.TryCreate(single, UriKind.Absolute, out Uri? origin)
            && string.Equals(origin.Host, request.Host.Host, StringComparison.OrdinalIgnoreCase)
            && origin.Port == (request.Host.Port ?? (origin.Scheme == Uri.UriSchemeHttps ? 443 : 80));
    }
}
