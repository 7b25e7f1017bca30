namespace EbmService.Api.Hosting;

/// <summary>The configuration asks for something this service does not do; the message says what to change.</summary>
internal sealed class StartRefusedException(string message) : Exception(message);
