namespace EbmService.Inference.Devices;

/// <summary>The configured device is not there; the message says what to change.</summary>
public sealed class DeviceUnavailableException(string message) : InvalidOperationException(message);
