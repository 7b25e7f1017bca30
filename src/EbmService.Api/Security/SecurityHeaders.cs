namespace EbmService.Api.Security;

/// <summary>What every answer tells browsers: to guess no types, to tell no addresses, to frame nothing, to run no code but the service's own.</summary>
internal static class SecurityHeaders
{
    /// <summary>Fits Swagger UI and a dashboard of WebAssembly; both set styles in place, and draw pictures from memory.</summary>
    internal const string ContentSecurityPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'; "
        + "form-action 'self'; frame-ancestors 'none'";

    /// <summary>Stands outermost; written last, as an answer to an error begins anew without headers.</summary>
    internal static Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(static state =>
        {
            IHeaderDictionary headers = ((HttpContext)state).Response.Headers;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers.XFrameOptions = "DENY";
            if (headers.ContentSecurityPolicy.Count == 0)
                headers.ContentSecurityPolicy = ContentSecurityPolicy;
            return Task.CompletedTask;
        }, context);
        return next(context);
    }
}
