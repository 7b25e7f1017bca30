namespace EbmService.Api.OpenApi;

/// <summary>Bodies that work on pressing Execute: for the bundled models two-moons and mnist-jem.</summary>
internal static class RequestExamples
{
    private const string TwoPoints = """[[0.5, 0.2], [3, 3]]""";

    internal static readonly RequestExampleSet Energy = new("two-moons",
    [
        new("points", "two-moons: two points", $$"""{"inputs": {{TwoPoints}}}"""),
        new("gradients", "two-moons: with gradients", $$"""{"inputs": {{TwoPoints}}, "gradients": true}"""),
        new("digit", "mnist-jem: a digit as base64", $$"""{"tensor": {{DigitTensor}}}"""),
    ]);

    internal static readonly RequestExampleSet Classify = new("mnist-jem",
    [
        new("digit", "mnist-jem: a digit as base64", $$"""{"tensor": {{DigitTensor}}}"""),
        new("refined", "mnist-jem: refined by 5 descent steps first", $$"""{"tensor": {{DigitTensor}}, "refineSteps": 5}"""),
    ]);

    internal static readonly RequestExampleSet Ood = new("mnist-jem",
    [
        new("digit", "mnist-jem: a digit as base64", $$"""{"tensor": {{DigitTensor}}, "alpha": 0.05}"""),
        new("points", "two-moons: two points", $$"""{"inputs": {{TwoPoints}}}"""),
    ]);

    internal static readonly RequestExampleSet ExtendJob = new("two-moons",
    [
        new("more", "200 steps more", """{"steps": 200}"""),
    ]);

    private static string DigitTensor =>
        $$"""{"dtype": "uint8", "shape": [1, 1, 28, 28], "base64": "{{Convert.ToBase64String(SampleDigit.Seven())}}"}""";
}
