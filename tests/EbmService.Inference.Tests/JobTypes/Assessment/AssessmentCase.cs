using EbmService.Inference.Tests.JobTypes.Calibration;

namespace EbmService.Inference.Tests.JobTypes.Assessment;

internal static class AssessmentCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "assessment",
        Least = ("gaussian", $$$"""{"inDistribution": {"data": {{{JobTypeCase.Rows(9, 2)}}}}, "outOfDistribution": [{"name": "far", "rows": {"data": [[3, 3]]}}]}""",
            new Dictionary<string, string>
            {
                ["alpha"] = "0.05", ["bootstrap"] = "200", ["seed"] = "1", ["blockSize"] = "1024", ["calibration"] = "\"bundled\"",
                ["scores"] = "[\"logDensity\",\"approximateMass\"]", ["score"] = "\"logDensity\"",
            }),
        Wrong = ("gaussian", """{"alpha": 2, "bootstrap": -1, "blockSize": 1, "seed": -1, "scores": ["combined"], "calibration": "none"}""",
            ["spec.alpha", "spec.bootstrap", "spec.blockSize", "spec.seed", "spec.scores", "spec.calibration", "spec.outOfDistribution", "spec.inDistribution"]),
        Jobs =
        [
            ("jem", $$$"""
                {"inDistribution": {"npy": "{{{CalibrationCase.Npy(50, 1, 8, 8)}}}", "labels": [{{{string.Join(", ", Enumerable.Range(0, 50).Select(i => i % 2))}}}]},
                 "outOfDistribution": [{"name": "other", "rows": {"npy": "{{{CalibrationCase.Npy(30, 1, 8, 8)}}}"}}], "blockSize": 20, "bootstrap": 20, "alpha": 0.4}
                """),
            ("gaussian", $$$"""
                {"inDistribution": {"data": {{{JobTypeCase.Rows(30, 2)}}}}, "outOfDistribution": [{"name": "far", "rows": {"data": [[3, 3], [4, 4]]}}],
                 "scores": ["logDensity", "chainDisplacement", "energyDrop"], "bootstrap": 0}
                """),
        ],
        Items = 80,
    };
}
