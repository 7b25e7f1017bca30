namespace EbmService.Jobs.Storage;

/// <summary>The service can't start on its data folder; the message says why in one sentence.</summary>
public sealed class StorageUnavailableException(string message, Exception inner) : Exception(message, inner);
