namespace EbmService.Inference.Diagnostics;

/// <summary>The diagnostics of a quantity with its name, such as "energy" or "projection 2".</summary>
public sealed record NamedDiagnostics(string Quantity, QuantityDiagnostics Diagnostics);
