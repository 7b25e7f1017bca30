namespace EbmService.Inference.Ood;

/// <summary>
/// Split-conformal p-values: under exchangeability with the calibration data, P(p &lt;= alpha) &lt;= alpha. Scores: higher = more
/// in-distribution, so a p-value near 0 = out of distribution.
/// </summary>
public static class ConformalPValues
{
    /// <summary>(1 + #{calibration scores &lt;= score}) / (n + 1). NaN counts as the lowest possible, as a score and in the calibration.</summary>
    /// <param name="sortedCalibration">Ascending.</param>
    public static double PValue(ReadOnlySpan<float> sortedCalibration, float score)
    {
        int low = 0, high = sortedCalibration.Length;
        while (low < high)
        {
            int middle = low + (high - low) / 2;
            if (sortedCalibration[middle].CompareTo(score) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        return (1.0 + low) / (sortedCalibration.Length + 1.0);
    }

    /// <summary>The p-value of each score.</summary>
    public static double[] PValues(ReadOnlySpan<float> sortedCalibration, ReadOnlySpan<float> scores)
    {
        var values = new double[scores.Length];
        for (int i = 0; i < scores.Length; i++)
            values[i] = PValue(sortedCalibration, scores[i]);
        return values;
    }
}
