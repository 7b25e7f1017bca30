using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.EndToEnd.Tests.JobTypes;

/// <summary>A job of some seconds of one type, as the body of POST /v1/jobs.</summary>
public sealed record EndToEndJob(string Type, Func<JsonObject> Body)
{
    /// <summary>One line per type.</summary>
    internal static IReadOnlyList<EndToEndJob> All { get; } =
    [
        new("sampling", () => HttpSteps.Body(HttpSteps.Spec(64, 200, 30), ServiceHost.Model)),
        new("scoring", () => new JsonObject
        {
            ["type"] = "scoring", ["model"] = ServiceHost.Model,
            ["spec"] = new JsonObject { ["outputs"] = new JsonArray("energy", "logits", "pValue"), ["blockSize"] = 64, ["npy"] = Convert.ToBase64String(NpyFormat.Write(Digits.Noise(3000, 1))) },
        }),
    ];
}
