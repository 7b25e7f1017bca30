using EbmService.Core.Tensors;

namespace EbmService.Inference.Tests.JobTypes.Scoring;

internal static class ScoringCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "scoring",
        Least = ("gaussian", $$"""{"data": {{JobTypeCase.Rows(3, 2)}}}""", new Dictionary<string, string>
        {
            ["outputs"] = "[\"energy\"]", ["shape"] = "[3]", ["blockSize"] = "1024",
        }),
        Wrong = ("gaussian", """{"outputs": ["energy", "entropy", "logits"], "score": "logDensity", "blockSize": 1, "data": [[1, 2, 3]]}""",
            ["spec.outputs", "spec.score", "spec.blockSize", "spec.data"]),
        Jobs =
        [
            ("jem", $$"""{"outputs": ["energy", "logits", "maxLogit", "pValue"], "npy": "{{Npy(50, 1, 8, 8)}}", "blockSize": 20}"""),
            ("gaussian", $$"""{"outputs": ["approximateMass"], "data": {{JobTypeCase.Rows(30, 2)}}, "blockSize": 17}"""),
        ],
        Items = 50,
    };

    private static string Npy(params int[] shape) => Convert.ToBase64String(NpyFormat.Write(new TensorPayload(
        shape, [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(i => (float)Math.Sin(1 + 7 * i))])));
}
