using EbmService.Inference.Assessment;

namespace EbmService.Inference.Ood;

/// <summary>A classifier's calibration before and after temperature scaling, on rows that the temperature was not fitted on.</summary>
/// <param name="ErrorBefore">Expected calibration error in 15 bins.</param>
/// <param name="LikelihoodBefore">Mean negative log-likelihood in nats.</param>
public sealed record TemperatureReport(
    double Accuracy, double ErrorBefore, double ErrorAfter, double LikelihoodBefore, double LikelihoodAfter);

/// <summary>The one number that divides all logits (Guo et al. 2017); it changes no verdict.</summary>
internal static class TemperatureFit
{
    private const double Least = 0.05, Most = 20;

    /// <summary>The temperature of the least mean negative log-likelihood, which is convex in 1 / T: by golden section in log T.</summary>
    /// <param name="logits">(rows, classes)</param>
    /// <returns>Null where there is no least: rows that are all classified rightly only ever ask for more confidence, and all wrongly for less.</returns>
    public static float? Fit(float[] logits, int[] labels, int classes)
    {
        double low = Math.Log(Least), high = Math.Log(Most), ratio = (Math.Sqrt(5) - 1) / 2;
        double a = high - ratio * (high - low), b = low + ratio * (high - low);
        (double ofA, double ofB) = (Likelihood(logits, labels, classes, Math.Exp(a)), Likelihood(logits, labels, classes, Math.Exp(b)));
        while (high - low > 1e-5)
        {
            if (ofA <= ofB)
            {
                (high, b, ofB) = (b, a, ofA);
                a = high - ratio * (high - low);
                ofA = Likelihood(logits, labels, classes, Math.Exp(a));
            }
            else
            {
                (low, a, ofA) = (a, b, ofB);
                b = low + ratio * (high - low);
                ofB = Likelihood(logits, labels, classes, Math.Exp(b));
            }
        }
        double fitted = Math.Exp((low + high) / 2);
        return fitted < 1.01 * Least || fitted > Most / 1.01 ? null : (float)fitted;
    }

    public static TemperatureReport Report(float[] logits, int[] labels, int classes, float temperature)
    {
        float[] before = Probabilities(logits, classes, 1), after = Probabilities(logits, classes, temperature);
        return new TemperatureReport(
            ClassificationMetrics.Accuracy(ClassificationMetrics.Predictions(before, classes), labels),
            ClassificationMetrics.ExpectedCalibrationError(before, classes, labels), ClassificationMetrics.ExpectedCalibrationError(after, classes, labels),
            Likelihood(logits, labels, classes, 1), Likelihood(logits, labels, classes, temperature));
    }

    public static float[] Probabilities(float[] logits, int classes, double temperature)
    {
        var probabilities = new float[logits.Length];
        for (int first = 0; first < logits.Length; first += classes)
        {
            double log = LogSum(logits.AsSpan(first, classes), temperature);
            for (int i = first; i < first + classes; i++)
                probabilities[i] = (float)Math.Exp(logits[i] / temperature - log);
        }
        return probabilities;
    }

    private static double Likelihood(float[] logits, int[] labels, int classes, double temperature)
    {
        double sum = 0;
        for (int row = 0; row < labels.Length; row++)
        {
            ReadOnlySpan<float> one = logits.AsSpan(row * classes, classes);
            sum += LogSum(one, temperature) - one[labels[row]] / temperature;
        }
        return sum / labels.Length;
    }

    private static double LogSum(ReadOnlySpan<float> logits, double temperature)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
            largest = Math.Max(largest, logit / temperature);
        foreach (float logit in logits)
            sum += Math.Exp(logit / temperature - largest);
        return largest + Math.Log(sum);
    }
}
