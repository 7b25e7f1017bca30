using EbmService.Api.Hubs;

namespace EbmService.Api.Hosting;

/// <summary>
/// Keeps pages of other sites from using the service through the browser of someone who can reach it: the hub, which a WebSocket
/// opens past the browser's own rules, and every method that changes something.
/// </summary>
internal static class SameOriginGuard
{
    internal static Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsGuarded(context.Request) || IsOwn(context.Request))
            return next(context);
        // StatusCodeProblems writes the body.
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }

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
