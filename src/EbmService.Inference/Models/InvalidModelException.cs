namespace EbmService.Inference.Models;

/// <summary>A model or version can't be served; the message is for an operator and holds no path.</summary>
public sealed class InvalidModelException(string message, Exception? inner = null) : Exception(message, inner);
