namespace EbmService.Inference.Tests.JobTypes.Training;

internal static class TrainingCase
{
    private const string Plane = """
        "descriptor": {"name": "NAME", "title": "Plane", "architecture": {"kind": "mlp", "hidden": [6]}, "input": {"kind": "vector", "shape": [2], "min": -3, "max": 3}}
        """;

    private const string Labelled = """
        "descriptor": {"name": "NAME", "title": "Labelled", "labels": ["a", "b"], "architecture": {"kind": "conv-jem", "layers": [{"channels": 4, "kernel": 3}], "classes": 2},
                       "input": {"kind": "image", "shape": [1, 4, 4], "min": -1, "max": 1}}
        """;

    private const string Machine = """
        "descriptor": {"name": "NAME", "title": "Machine", "architecture": {"kind": "rbm", "hidden": 3}, "input": {"kind": "vector", "shape": [2], "min": 0, "max": 1, "variables": "binary"}}
        """;

    internal const string Deep = """
        "descriptor": {"name": "NAME", "title": "Deep", "architecture": {"kind": "dbm", "hidden": [3, 2], "visibleShape": [1, 4, 4]},
                       "input": {"kind": "vector", "shape": [21], "min": 0, "max": 1, "variables": "binary"}}
        """;

    private const string Numbers = "\"seed\": 3, \"batchSize\": 8, \"bufferSize\": 20, \"heldOut\": 70, \"checkpointEvery\": 2, \"pictureEvery\": 2, \"validateEvery\": 2";

    public static JobTypeCase Case { get; } = new()
    {
        Type = "training",
        Least = ("least", Spec("least", Plane, "points", "\"iterations\": 3, \"seed\": 1, \"denoising\": {\"deviation\": 0.1}"), new Dictionary<string, string>
        {
            ["data"] = "\"points\"", ["rows"] = "800", ["version"] = "\"1\"",
        }),
        Wrong = ("wrong", """
            {"data": "nothing", "version": "a/b", "config": {"iterations": 0, "seed": 1, "momentum": 2},
             "descriptor": {"name": "wrong", "title": "Wrong", "architecture": {"kind": "mlp", "hidden": [4]}, "input": {"kind": "vector", "shape": [2], "min": -3, "max": 3}}}
            """, ["spec.data", "spec.version", "spec.config"]),
        Jobs =
        [
            ("moons", Spec("moons", Plane, "points", $"\"iterations\": 5, {Numbers}, \"chain\": {{\"steps\": 3, \"stepSize\": 0.05, \"temperature\": 1, \"freshShare\": 0.2}}")),
            ("labelled", Spec("labelled", Labelled, "pictures", $"\"iterations\": 3, {Numbers}, \"chain\": {{\"steps\": 2, \"stepSize\": 0.1, \"noise\": 0.01}}, \"classification\": {{\"batchSize\": 8}}")),
            ("machine", Spec("machine", Machine, "bits", $"\"iterations\": 5, {Numbers}, \"gibbs\": {{\"sweeps\": 2}}, \"energyL2\": 0, \"centred\": true, \"momentum\": 0.5")),
            // 40 rows a batch: 20 a part, more than one tile of the mean-field inference.
            ("deep", Spec("deep", Deep, "levels", $"\"iterations\": 4, {Numbers.Replace("8", "40", StringComparison.Ordinal)}, \"gibbs\": {{\"sweeps\": 2, \"freshShare\": 0.2}}, \"energyL2\": 0, \"energyBound\": 1e6")),
            ("tempered", Spec("tempered", Machine, "bits", $"\"iterations\": 5, {Numbers}, \"gibbs\": {{\"sweeps\": 1, \"temperatures\": [1, 1.5, 2]}}, \"energyL2\": 0")),
            ("deep-tempered", Spec("deep-tempered", Deep, "levels", $"\"iterations\": 3, {Numbers}, \"gibbs\": {{\"sweeps\": 3, \"temperatures\": [1, 2]}}, \"energyL2\": 0, \"energyBound\": 1e6")),
            ("scores", Spec("scores", Plane, "points", $"\"iterations\": 4, {Numbers}, \"denoising\": {{\"deviation\": 0.2}}")),
        ],
        Items = 1,
    };

    internal static string Spec(string name, string descriptor, string data, string config) =>
        $$"""{"data": "{{data}}", {{descriptor.Replace("NAME", name, StringComparison.Ordinal)}}, "config": { {{config}} } }""";
}
