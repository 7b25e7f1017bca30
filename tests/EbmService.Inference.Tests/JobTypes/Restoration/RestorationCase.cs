namespace EbmService.Inference.Tests.JobTypes.Restoration;

internal static class RestorationCase
{
    private static readonly string s_pictures = Pictures(5);

    public static JobTypeCase Case { get; } = new()
    {
        Type = "restoration",
        Least = ("gaussian", $$$"""{"inputs": {"data": {{{JobTypeCase.Rows(3, 2)}}}}, "damage": {"kind": "mask", "mask": [0, 1]}}""", new Dictionary<string, string>
        {
            ["samples"] = "8", ["level"] = "0.9", ["seed"] = "5", ["start"] = "\"base\"", ["blockSize"] = "8",
        }),
        Wrong = ("gaussian",
            $$$"""{"inputs": {"data": [[1, 2, 3]]}, "truth": {"data": [[1]]}, "damage": {"kind": "mask", "mask": [0, 1]}, "samples": 1, "level": 1, "dataWeight": 2, "blockSize": 0, "chain": {"steps": 0}}""",
            ["spec.inputs.data", "spec.truth.data", "spec.samples", "spec.level", "spec.dataWeight", "spec.blockSize", "spec.chain.steps"]),
        Jobs =
        [
            ("jem", $$$"""{"truth": {"data": {{{s_pictures}}}}, "reference": {"data": {{{Pictures(7)}}}}, "calibration": {"data": {{{Pictures(4)}}}}, "damage": {"kind": "half", "side": "left"}, "samples": 3, "blockSize": 2, "chain": {"steps": 4}}"""),
            ("jem", $$$"""{"truth": {"data": {{{s_pictures}}}}, "damage": {"kind": "saltAndPepper", "share": 0.2}, "samples": 2, "blockSize": 3, "chain": {"steps": 3, "noise": 0.02}}"""),
            ("jem", $$$"""{"inputs": {"data": {{{s_pictures}}}}, "damage": {"kind": "blur", "kernel": [[0.5, 0.5]], "sigma": 0.2}, "samples": 2, "blockSize": 3, "chain": {"kernel": "mala", "steps": 3}}"""),
            ("gaussian", $$$"""{"inputs": {"data": {{{JobTypeCase.Rows(3, 2)}}}}, "damage": {"kind": "mask", "mask": [0, 1]}, "samples": 4, "blockSize": 2, "chain": {"kernel": "hmc", "steps": 6, "temperature": 1}}"""),
        ],
        Items = 9,
    };

    /// <summary>Pictures of 1 x 8 x 8 with numbers between -1 and 1 that look random, as JSON.</summary>
    private static string Pictures(int rows) =>
        "[" + string.Join(", ", Enumerable.Range(0, rows).Select(row => $"[{JobTypeCase.Rows(8 * (row + 1), 8, first: 8 * row)}]")) + "]";
}
