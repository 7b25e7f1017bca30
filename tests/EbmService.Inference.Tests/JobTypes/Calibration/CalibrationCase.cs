using EbmService.Core.Tensors;

namespace EbmService.Inference.Tests.JobTypes.Calibration;

internal static class CalibrationCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "calibration",
        Least = ("gaussian", $$$"""{"name": "mine", "data": {"data": {{{JobTypeCase.Rows(48, 2)}}}}}""", new Dictionary<string, string>
        {
            ["name"] = "\"mine\"", ["score"] = "\"combined\"", ["chains"] = "false", ["makeDefault"] = "false", ["seed"] = "5",
        }),
        Wrong = ("gaussian", """{"name": "bundled", "score": "maxLogit", "seed": -1, "data": {"data": [[1, 2], [3, 4]]}}""",
            ["spec.name", "spec.score", "spec.seed", "spec.data"]),
        Jobs =
        [
            ("jem", $$$"""{"name": "mine", "chains": true, "data": {"npy": "{{{Npy(150, 1, 8, 8)}}}", "labels": [{{{string.Join(", ", Enumerable.Range(0, 150).Select(i => i % 2))}}}]}}"""),
            ("gaussian", $$$"""{"name": "mine", "score": "mahalanobis", "data": {"data": {{{JobTypeCase.Rows(60, 2)}}}}}"""),
        ],
        Items = 1,
    };

    internal static string Npy(params int[] shape) => Convert.ToBase64String(NpyFormat.Write(new TensorPayload(
        shape, [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(i => (float)Math.Sin(1 + 7 * i + i / 64))])));
}
