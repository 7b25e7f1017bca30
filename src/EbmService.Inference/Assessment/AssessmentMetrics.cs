namespace EbmService.Inference.Assessment;

/// <summary>A report as the flat list of numbers that version.json carries.</summary>
public static class AssessmentMetrics
{
    private const int Digits = 5;

    public static IReadOnlyDictionary<string, double> Of(AssessmentReport report)
    {
        var metrics = new SortedDictionary<string, double>(StringComparer.Ordinal) { ["energyMeanTest"] = report.EnergyMean };
        if (report.Classification is { } classification)
        {
            metrics["accuracy"] = classification.Accuracy;
            metrics["negativeLogLikelihood"] = classification.NegativeLogLikelihood;
            metrics["expectedCalibrationError"] = classification.ExpectedCalibrationError;
        }
        foreach (OodReport ood in report.OutOfDistribution)
            metrics[$"auroc.{Word(ood.Set)}.{ood.Score}"] = ood.Metrics.Auroc;
        foreach ((string score, double share) in report.ConformalShareAt05)
            metrics[$"conformalShareAt05.{score}"] = share;
        foreach (ImageSamplesReport samples in report.ImageSamples)
        {
            metrics[$"samples.{samples.Steps}.labelAgreement"] = samples.Agreement;
            metrics[$"samples.{samples.Steps}.diversity"] = samples.Diversity;
            metrics[$"samples.{samples.Steps}.nearestTrainingDistance"] = samples.NearestTrainingDistance;
        }
        foreach (VectorSamplesReport samples in report.VectorSamples)
        {
            metrics[$"samples.{samples.Steps}.energyDistance"] = samples.EnergyDistance;
            if (samples.NearMoons is { } near)
                metrics[$"samples.{samples.Steps}.nearMoons"] = near;
        }
        return metrics.ToDictionary(pair => pair.Key, pair => Math.Round(pair.Value, Digits));
    }

    /// <summary>"uniform noise" as "uniformNoise".</summary>
    private static string Word(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return string.Concat(words.Select((word, i) => i == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
