namespace EbmService.Inference.Diagnostics;

/// <summary>A quantity's figures with its name, such as "energy" or "projection 2".</summary>
public sealed record NamedFigures(string Quantity, ChainFigures Figures);
