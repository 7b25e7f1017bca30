using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>Where the rows of a block begin. With replica exchange a chain has one row per temperature, side by side.</summary>
/// <param name="X">(rows, ...input) float32.</param>
/// <param name="Labels">A class per row (rows) int64, or null.</param>
/// <param name="HeldMask">(...input) bool: true where x is held fixed, or null.</param>
/// <param name="HeldValues">(rows, ...input), what the held numbers are; X already has them. Null where nothing is held.</param>
public sealed record ChainStartPoints(Tensor X, Tensor? Labels = null, Tensor? HeldMask = null, Tensor? HeldValues = null);
