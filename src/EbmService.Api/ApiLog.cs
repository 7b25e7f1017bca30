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

    [LoggerMessage(1050, LogLevel.Information, "{Who} of tenant '{Tenant}' from {Address}: {What} -> {Result}")]
    internal static partial void AdminCall(ILogger logger, string who, string tenant, string what, string result, string address);

    [LoggerMessage(1051, LogLevel.Warning, "Refused {What} from {Address}: {Reason} ({Unwritten} more refusals were not written)")]
    internal static partial void Refused(ILogger logger, string what, string reason, string address, int unwritten);

    [LoggerMessage(1052, LogLevel.Information, "Requests need a key: there are {Count}")]
    internal static partial void KeysNeeded(ILogger logger, int count);

    [LoggerMessage(1053, LogLevel.Information, "Key {KeyId} ({Name}) of tenant '{Tenant}', scopes {Scopes}: {State}; expires: {Expires}")]
    internal static partial void KeyRead(ILogger logger, string keyId, string name, string tenant, string scopes, string state, string expires);

    [LoggerMessage(1054, LogLevel.Warning, "The keys could not be read again; those that were read last count until they can")]
    internal static partial void KeysNotRead(ILogger logger, Exception exception);
}
