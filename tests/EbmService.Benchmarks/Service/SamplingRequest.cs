using System.Text.Json.Nodes;

namespace EbmService.Benchmarks.Service;

/// <summary>A sampling job to ask for.</summary>
/// <param name="BlockSize">Null for the model's own.</param>
/// <param name="PreviewEvery">0: no pictures.</param>
internal sealed record SamplingRequest(
    string Model, int Chains, int Steps, int? BlockSize = null, long Seed = 1, string Precision = "float32", int PreviewEvery = 0, int? Thin = null)
{
    public JsonObject ToJson()
    {
        var spec = new JsonObject { ["chains"] = Chains, ["steps"] = Steps, ["seed"] = Seed, ["precision"] = Precision };
        if (PreviewEvery > 0)
            spec["previewEvery"] = PreviewEvery;
        if (Thin is { } thin)
            spec["thin"] = thin;
        if (BlockSize is { } size)
            spec["blockSize"] = size;
        return new JsonObject { ["type"] = "sampling", ["model"] = Model, ["spec"] = spec };
    }
}
