namespace EbmService.Inference.Diagnostics;

/// <summary>A figure and the quantity that gave it.</summary>
public sealed record WorstFigure(string Quantity, double Value);
