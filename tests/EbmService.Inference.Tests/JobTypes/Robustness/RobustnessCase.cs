using EbmService.Core.Tensors;

namespace EbmService.Inference.Tests.JobTypes.Robustness;

internal static class RobustnessCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "robustness",
        Least = ("jem", $$"""{"inputs": {{Inputs(3)}}}""", new Dictionary<string, string>
        {
            ["method"] = "\"pgd\"", ["norm"] = "\"linf\"", ["steps"] = "40", ["stepSize"] = "0.0625", ["restarts"] = "1", ["randomStart"] = "true",
            ["seed"] = "5", ["blockSize"] = "128", ["transfer"] = "false", ["radii"] = "[0.025,0.05,0.075,0.1,0.15,0.2,0.25,0.3]",
        }),
        Wrong = ("jem", $$$"""{"inputs": {"npy": "{{{Npy(2)}}}", "labels": [0, 3]}, "radii": [0.2, 0.1, 2], "steps": 1000000, "restarts": 0, "blockSize": 1, "refinement": {"steps": 0, "recipe": "none"}}""",
            ["spec.inputs.labels", "spec.radii", "spec.steps", "spec.restarts", "spec.blockSize", "spec.refinement.steps", "spec.refinement.recipe"]),
        Jobs =
        [
            ("jem", $$"""{"inputs": {{Inputs(21)}}, "steps": 3, "radii": [0.01, 0.05], "restarts": 2, "blockSize": 8, "seed": 3}"""),
            ("jem", $$"""{"inputs": {{Inputs(5)}}, "method": "fgsm", "norm": "l2", "radii": [0.5]}"""),
            ("jem", $$"""{"inputs": {{Inputs(9)}}, "steps": 2, "radii": [0.02, 0.1], "blockSize": 8, "refinement": {"steps": 2, "chains": 3} }"""),
        ],
        Items = 21,
    };

    internal static string Inputs(int rows) =>
        $$"""{"npy": "{{Npy(rows)}}", "labels": [{{string.Join(", ", Enumerable.Range(0, rows).Select(row => row % 3))}}]}""";

    internal static string Npy(int rows) => Convert.ToBase64String(NpyFormat.Write(new TensorPayload(
        [rows, 1, 8, 8], [.. Enumerable.Range(0, rows * 64).Select(i => (float)Math.Sin(1 + 7 * i))])));
}
