namespace EbmService.Core.Models;

/// <summary>A new version of a model as a client sends it; nothing of it is trusted.</summary>
/// <param name="Key">What it is to be called.</param>
/// <param name="Descriptor">The bytes of <c>model.json</c>; null where the model is there and keeps its own.</param>
/// <param name="Weights">Parameters as safetensors; null for closed formulas.</param>
/// <param name="Buffer">The replay buffer's chains as safetensors, or null.</param>
/// <param name="Calibration">Scores of held-out data as safetensors, or null.</param>
public sealed record ModelUpload(
    ModelKey Key, ReadOnlyMemory<byte>? Descriptor, ReadOnlyMemory<byte>? Weights, ReadOnlyMemory<byte>? Buffer,
    ReadOnlyMemory<byte>? Calibration)
{
    /// <value>How the version was made, where it was made here.</value>
    public ModelProvenance? Provenance { get; init; }
}
