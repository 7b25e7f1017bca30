using EbmService.Api.Errors;

namespace EbmService.Api.Hubs;

/// <summary>Answers requests to the hub's address that no SignalR client makes, for example a browser's, with a problem that says what to use.</summary>
internal static class HubRequests
{
    internal static Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        bool isClient = request.Query.ContainsKey("id") || request.Headers.Upgrade.Count > 0 || HttpMethods.IsConnect(request.Method)
            || HttpMethods.IsOptions(request.Method);
        return isClient || request.Path != JobsHub.Path
            ? next(context)
            : StatusCodeProblems.WriteAsync(context, StatusCodes.Status400BadRequest, "hubClientNeeded",
                $"'{JobsHub.Path}' is a SignalR hub: it answers SignalR clients only.",
                "Connect with a SignalR client and call Watch(jobId), or read GET /v1/jobs/{id}/events (server-sent events).");
    }
}
