using EbmService.Core.Tensors;

namespace EbmService.Inference.Tests.JobTypes.Editing;

internal static class EditingCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "editing",
        Least = ("gaussian", """{"inputs": {"data": [[0, 1]]}}""", new Dictionary<string, string>
        {
            ["operation"] = "\"project\"", ["steps"] = "100", ["stepSize"] = "0.05", ["blockSize"] = "32",
        }),
        Wrong = ("jem", $$"""{"inputs": {"npy": "{{Npy(2)}}"}, "target": 9, "targets": [1], "steps": 0, "stepSize": -1, "leash": 0, "confidence": 1, "energyWeight": -1, "blockSize": 0}""",
            ["spec.targets", "spec.target", "spec.steps", "spec.stepSize", "spec.leash", "spec.confidence", "spec.energyWeight", "spec.blockSize"]),
        Jobs =
        [
            ("jem", $$"""{"operation": "counterfactual", "inputs": {"npy": "{{Npy(7)}}"}, "steps": 6, "stepSize": 300, "energyWeight": 0, "confidence": 0.01, "blockSize": 3}"""),
            ("jem", $$"""{"target": 1, "inputs": {"npy": "{{Npy(5)}}"}, "steps": 4, "leash": 2, "blockSize": 4}"""),
            ("gaussian", $$"""{"inputs": {"data": {{JobTypeCase.Rows(5, 2)}}}, "steps": 5, "blockSize": 3}"""),
        ],
        Items = 7,
    };

    internal static string Npy(int rows) => Convert.ToBase64String(NpyFormat.Write(new TensorPayload(
        [rows, 1, 8, 8], [.. Enumerable.Range(0, rows * 64).Select(i => (float)Math.Sin(1 + 7 * i))])));
}
