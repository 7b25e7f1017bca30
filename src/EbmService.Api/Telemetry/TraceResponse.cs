using System.Diagnostics;

namespace EbmService.Api.Telemetry;

/// <summary>
/// Tells a caller which trace its request became: the header <c>traceresponse</c> of W3C Trace Context Level 2, in the form of a traceparent. A caller
/// that sent a traceparent finds its own trace id there.
/// </summary>
internal static class TraceResponse
{
    internal const string Header = "traceresponse";

    internal static Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id })
            context.Response.Headers[Header] = id;
        return next(context);
    }
}
