namespace EbmService.Inference.Tests.JobTypes.Interpolation;

internal static class InterpolationCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "interpolation",
        Least = ("gaussian", """{"from": {"data": [[0, 1]]}, "to": {"data": [[1, 0]]}}""", new Dictionary<string, string>
        {
            ["method"] = "\"elasticBand\"", ["points"] = "17", ["steps"] = "200", ["climb"] = "true", ["stepSize"] = "0.05", ["springConstant"] = "2", ["blockSize"] = "8",
        }),
        Wrong = ("gaussian", """{"from": {"data": [[0, 1]]}, "to": {"data": [[1, 0], [1, 1]]}, "points": 2, "steps": 0, "stepSize": 0, "springConstant": -1, "label": 0, "blockSize": 0}""",
            ["spec.to", "spec.points", "spec.steps", "spec.stepSize", "spec.springConstant", "spec.label", "spec.blockSize"]),
        Jobs =
        [
            ("gaussian", $$"""{"from": {"data": {{JobTypeCase.Rows(5, 2)}}}, "to": {"data": [[1, 1], [0, 0], [2, 1], [0, 2], [-1, 0]]}, "points": 7, "steps": 12, "blockSize": 2}"""),
            ("gaussian", """{"from": {"data": [[0, 1]]}, "to": {"data": [[1, 0]]}, "method": "straight"}"""),
        ],
        Items = 5,
    };
}
