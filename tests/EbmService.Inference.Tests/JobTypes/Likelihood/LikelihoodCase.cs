namespace EbmService.Inference.Tests.JobTypes.Likelihood;

internal static class LikelihoodCase
{
    public static JobTypeCase Case { get; } = new()
    {
        Type = "likelihood",
        Least = ("gaussian", "{}", new Dictionary<string, string>
        {
            ["chains"] = "100", ["bridges"] = "1000", ["transitions"] = "1", ["kernel"] = "\"hmc\"", ["leapfrogSteps"] = "10", ["temperature"] = "1",
            ["base"] = "\"uniform\"", ["reverseStart"] = "\"base\"", ["reverseSteps"] = "1000", ["tolerance"] = "1", ["confidence"] = "0.95", ["blockSize"] = "50",
            ["pilotChains"] = "32", ["seed"] = "5",
        }),
        Wrong = ("gaussian",
            """
            {"kernel": "gibbs", "chains": 1, "bridges": 1000000, "temperature": 0, "transitions": 0, "tolerance": 0, "confidence": 1, "blockSize": 0, "leapfrogSteps": 3,
             "base": "buffer", "baseMean": 1, "reverseStart": "exact", "raise": {"rows": 1}, "dequantisationLevels": 1, "inputs": {"data": [[1, 2, 3]]}}
            """,
            [
                "spec.kernel", "spec.chains", "spec.bridges", "spec.temperature", "spec.transitions", "spec.tolerance", "spec.confidence", "spec.blockSize",
                "spec.leapfrogSteps", "spec.base", "spec.baseMean", "spec.reverseStart", "spec.dequantisationLevels", "spec.inputs.data",
            ]),
        Jobs =
        [
            ("gaussian",
                $$"""
                {"chains": 5, "bridges": 6, "transitions": 2, "leapfrogSteps": 3, "pilotChains": 8, "reverseSteps": 4, "blockSize": 3, "seed": 3,
                 "raise": {"rows": 2, "chains": 2}, "inputs": {"data": {{JobTypeCase.Rows(20, 2)}} } }
                """),
            ("gaussian", """{"chains": 4, "kernel": "mala", "base": "normal", "baseDeviation": 2, "stepSize": 0.3, "ladder": [0, 0.2, 0.5, 1], "bridges": 3, "reverseSteps": 2, "seed": 3}"""),
            ("rbm", """{"chains": 5, "bridges": 7, "blockSize": 3, "seed": 3, "inputs": {"data": [[0, 1, 0, 1, 1], [1, 1, 1, 0, 0]]}, "raise": {"rows": 2, "chains": 3}}"""),
            ("ising", """{"chains": 5, "bridges": 7, "temperature": 2, "blockSize": 3, "seed": 3}"""),
            ("jem", """{"chains": 3, "bridges": 3, "leapfrogSteps": 2, "pilotChains": 8, "reverseSteps": 2, "blockSize": 2, "seed": 3}"""),
        ],
        Items = 34,
    };
}
