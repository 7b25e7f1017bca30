namespace EbmService.Api;

/// <summary>Log messages of the Api, event ids 1000 to 1999; an id is never reused.</summary>
internal static partial class ApiLog
{
    [LoggerMessage(1000, LogLevel.Error, "Unhandled exception in {Method} {Path}")]
    internal static partial void Unhandled(ILogger logger, string method, string path, Exception exception);

    [LoggerMessage(1001, LogLevel.Critical, "Stopping: {Message}")]
    internal static partial void OpenNetworkRefused(ILogger logger, string message);

    [LoggerMessage(1002, LogLevel.Warning,
        "Listening beyond this machine without authentication, as Security:AllowUnauthenticatedNetwork says: {Addresses}")]
    internal static partial void OpenNetworkAllowed(ILogger logger, string addresses);

    [LoggerMessage(1003, LogLevel.Warning, "A watch of connection {ConnectionId} ended by an error")]
    internal static partial void WatchFailed(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(1004, LogLevel.Error, "The look for changed models failed; the next one follows")]
    internal static partial void ModelsNotPolled(ILogger logger, Exception exception);
}
