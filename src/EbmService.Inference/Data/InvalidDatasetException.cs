namespace EbmService.Inference.Data;

/// <summary>A data file is damaged, of another format, or over a limit.</summary>
public sealed class InvalidDatasetException(string message, Exception? inner = null) : Exception(message, inner);
