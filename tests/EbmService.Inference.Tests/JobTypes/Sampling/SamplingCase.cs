namespace EbmService.Inference.Tests.JobTypes.Sampling;

internal static class SamplingCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "sampling",
        Least = ("jem", "{}", new Dictionary<string, string>
        {
            ["chains"] = "64", ["steps"] = "10", ["recipe"] = "\"test\"", ["kernel"] = "\"sgld\"", ["start"] = "\"base\"", ["blockSize"] = "16",
            ["precision"] = "\"float32\"", ["seed"] = "5",
        }),
        Wrong = ("jem", """{"chains": 0, "steps": 0, "stepSize": -1, "label": 7, "blockSize": 0, "warmup": -1}""",
            ["spec.chains", "spec.steps", "spec.stepSize", "spec.label", "spec.blockSize", "spec.warmup"]),
        Jobs =
        [
            ("jem", """{"chains": 7, "steps": 12, "blockSize": 3, "labels": [0, 2], "seed": 3, "previewEvery": 5}"""),
            ("gaussian", """{"chains": 6, "steps": 40, "blockSize": 4, "kernel": "hmc", "warmup": 8, "thin": 4, "seed": 3}"""),
        ],
        Items = 7,
    };
}
