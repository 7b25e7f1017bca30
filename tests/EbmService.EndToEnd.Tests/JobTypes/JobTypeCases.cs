using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.EndToEnd.Tests.JobTypes;

/// <summary>A job of some seconds of one type, as the body of POST /v1/jobs.</summary>
public sealed record EndToEndJob(string Type, Func<JsonObject> Body)
{
    /// <value>Whether each job makes a version of its own, which its card names; a cancelled one makes none.</value>
    public bool MakesModel { get; init; }

    /// <summary>One line per type.</summary>
    internal static IReadOnlyList<EndToEndJob> All { get; } =
    [
        new("sampling", () => HttpSteps.Body(HttpSteps.Spec(64, 200, 30), ServiceHost.Model)),
        new("scoring", () => new JsonObject
        {
            ["type"] = "scoring", ["model"] = ServiceHost.Model,
            ["spec"] = new JsonObject { ["outputs"] = new JsonArray("energy", "logits", "pValue"), ["blockSize"] = 64, ["npy"] = Convert.ToBase64String(NpyFormat.Write(Digits.Noise(3000, 1))) },
        }),
        new("restoration", () => new JsonObject
        {
            ["type"] = "restoration", ["model"] = ServiceHost.Model,
            ["spec"] = new JsonObject
            {
                ["truth"] = new JsonObject { ["npy"] = Convert.ToBase64String(NpyFormat.Write(Digits.Noise(24, 2))) },
                ["damage"] = new JsonObject { ["kind"] = "half", ["side"] = "right" },
                ["samples"] = 4, ["blockSize"] = 4, ["seed"] = 3, ["chain"] = new JsonObject { ["steps"] = 60 },
            },
        }),
        new("training", () => new JsonObject
        {
            ["type"] = "training", ["model"] = "two-moons", ["spec"] = new JsonObject { ["data"] = "two-moons", ["iterations"] = 150 },
        })
        { MakesModel = true },
        new("calibration", () => new JsonObject
        {
            ["type"] = "calibration", ["model"] = ServiceHost.Model,
            ["spec"] = new JsonObject
            {
                ["name"] = "noise", ["seed"] = 1, ["data"] = new JsonObject { ["npy"] = Convert.ToBase64String(NpyFormat.Write(Digits.Noise(600, 1))) },
            },
        }),
        new("assessment", () => new JsonObject
        {
            ["type"] = "assessment", ["model"] = ServiceHost.Model,
            ["spec"] = new JsonObject
            {
                ["calibration"] = "bundled", ["bootstrap"] = 20, ["blockSize"] = 64,
                ["inDistribution"] = new JsonObject { ["npy"] = Convert.ToBase64String(NpyFormat.Write(Digits.Noise(800, 2))) },
                ["outOfDistribution"] = new JsonArray(new JsonObject
                {
                    ["name"] = "other", ["rows"] = new JsonObject { ["npy"] = Convert.ToBase64String(NpyFormat.Write(Digits.Noise(400, 3))) },
                }),
            },
        }),
        new("interpolation", () => new JsonObject
        {
            ["type"] = "interpolation", ["model"] = "two-moons",
            ["spec"] = new JsonObject { ["from"] = Rows([-1, 0], 24), ["to"] = Rows([2, 0.5f], 24), ["steps"] = 1500, ["blockSize"] = 8 },
        }),
        new("editing", () => new JsonObject
        {
            ["type"] = "editing", ["model"] = ServiceHost.Model,
            ["spec"] = new JsonObject
            {
                ["target"] = 3, ["steps"] = 40, ["blockSize"] = 8, ["inputs"] = new JsonObject { ["npy"] = Convert.ToBase64String(NpyFormat.Write(Digits.Noise(24, 1))) },
            },
        }),
        new("likelihood", () => new JsonObject
        {
            ["type"] = "likelihood", ["model"] = "mnist-rbm",
            ["spec"] = new JsonObject { ["chains"] = 30, ["bridges"] = 800, ["reverseSteps"] = 100, ["blockSize"] = 8, ["seed"] = 1 },
        }),
        new("robustness", () => new JsonObject
        {
            ["type"] = "robustness", ["model"] = ServiceHost.Model,
            ["spec"] = new JsonObject
            {
                ["inputs"] = new JsonObject
                {
                    ["npy"] = Convert.ToBase64String(NpyFormat.Write(Ones(32))), ["labels"] = new JsonArray([.. Enumerable.Repeat(1, 32).Select(label => (JsonNode)label)]),
                },
                ["radii"] = new JsonArray(0.001, 0.002), ["steps"] = 6, ["blockSize"] = 8, ["seed"] = 1,
                ["refinement"] = new JsonObject { ["steps"] = 2, ["stepSize"] = 0.01, ["chains"] = 1 },
            },
        }),
    ];

    /// <summary>Pictures of a straight stroke, which mnist-jem takes for a one.</summary>
    private static TensorPayload Ones(int rows)
    {
        var pixels = new float[rows * 28 * 28];
        Array.Fill(pixels, -1);
        for (int line = 0; line < rows * 28; line++)
        {
            if (line % 28 is >= 4 and < 24)
                pixels.AsSpan(line * 28 + 13, 2).Fill(1);
        }
        return new TensorPayload([rows, 1, 28, 28], pixels);
    }

    /// <summary>The same point so many times, as rows of a spec.</summary>
    private static JsonObject Rows(float[] point, int count) =>
        new() { ["data"] = new JsonArray([.. Enumerable.Range(0, count).Select(JsonNode (_) => new JsonArray([.. point.Select(JsonNode (value) => value)]))]) };
}
