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
        new("abstain", "mnist-jem: no label where the p-value is at or below 0.01", $$"""{"tensor": {{DigitTensor}}, "abstainBelow": 0.01}"""),
    ]);

    internal static readonly RequestExampleSet Ood = new("mnist-jem",
    [
        new("digit", "mnist-jem: a digit as base64", $$"""{"tensor": {{DigitTensor}}, "alpha": 0.05}"""),
        new("points", "two-moons: two points", $$"""{"inputs": {{TwoPoints}}}"""),
        new("discoveries", "two-moons: which of a batch stand out, one false alarm in ten at most", $$"""{"inputs": {{TwoPoints}}, "calibration": "bundled", "falseDiscoveryRate": 0.1}"""),
    ]);

    internal static readonly RequestExampleSet ExtendJob = new("two-moons",
    [
        new("more", "200 steps more", """{"steps": 200}"""),
    ]);

    internal static readonly RequestExampleSet ChangeJob = new("two-moons",
    [
        new("keep", "Keep the job and its results", """{"keep": true}"""),
    ]);

    internal static readonly RequestExampleSet ComposeModel = new("mnist-jem",
    [
        new("three and eight", "What is a 3 and an 8 at once: the product of two classes of one model", """
            {"name": "three-and-eight", "kind": "composed", "terms": [{"model": "mnist-jem", "label": 3}, {"model": "mnist-jem", "label": 8}]}
            """),
        new("three not five", "What is a 3 and no 5: a negative weight divides by a density", """
            {
              "name": "three-not-five", "kind": "composed", "combine": "product",
              "terms": [{"model": "mnist-jem", "weight": 1, "label": 3}, {"model": "mnist-jem", "weight": -0.02, "label": 5}]
            }
            """),
        new("four or nine", "The mixture of two classes", """
            {
              "name": "four-or-nine", "kind": "composed", "combine": "mixture",
              "terms": [{"model": "mnist-jem", "weight": 0.5, "label": 4}, {"model": "mnist-jem", "weight": 0.5, "label": 9}]
            }
            """),
    ]);

    private static string DigitTensor =>
        $$"""{"dtype": "uint8", "shape": [1, 1, 28, 28], "base64": "{{Convert.ToBase64String(SampleDigit.Seven())}}"}""";
}

/// <summary>A 7 drawn by two strokes, so that the examples have a digit without shipping anybody's data.</summary>
internal static class SampleDigit
{
    internal const int Side = 28;
    private const double StrokeRadius = 1.3;

    /// <returns>28 x 28 levels, 0 = black.</returns>
    internal static byte[] Seven()
    {
        var pixels = new byte[Side * Side];
        for (int y = 0; y < Side; y++)
        {
            for (int x = 0; x < Side; x++)
            {
                double distance = Math.Min(Distance(x, y, 7, 7, 20, 7), Distance(x, y, 20, 7, 13, 21));
                pixels[y * Side + x] = (byte)Math.Round(255 * Math.Clamp(StrokeRadius + 0.5 - distance, 0, 1));
            }
        }
        return pixels;
    }

    private static double Distance(double x, double y, double x1, double y1, double x2, double y2)
    {
        double length = (x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1);
        double along = Math.Clamp(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length, 0, 1);
        return Math.Sqrt(Math.Pow(x - x1 - along * (x2 - x1), 2) + Math.Pow(y - y1 - along * (y2 - y1), 2));
    }
}
