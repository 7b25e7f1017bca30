using MathNet.Numerics.Distributions;

namespace EbmService.Inference.Assessment;

/// <summary>Whether conformal p-values of in-distribution rows are uniform (Kolmogorov and Smirnov).</summary>
/// <param name="Distance">The largest difference between the shares of p-values at or below a level and the level.</param>
/// <param name="PValue">
/// Of the distance, as of two samples: the rows calibrated on are a sample too, and with so many rows tested their own chance shows. Asymptotic.
/// </param>
public sealed record UniformTest(double Distance, double PValue)
{
    /// <param name="pValues">Multiples of 1 / (calibrated + 1).</param>
    /// <param name="calibrated">Rows behind them.</param>
    public static UniformTest Of(IReadOnlyList<double> pValues, int calibrated)
    {
        var counts = new long[calibrated + 2];
        foreach (double value in pValues)
            counts[(int)Math.Clamp(Math.Round(value * (calibrated + 1)), 0, calibrated + 1)]++;
        double distance = 0;
        long below = 0;
        for (int level = 0; level <= calibrated + 1; level++)
        {
            below += counts[level];
            distance = Math.Max(distance, Math.Abs((double)below / pValues.Count - level / (calibrated + 1.0)));
        }
        double effective = Math.Sqrt((double)pValues.Count * calibrated / (pValues.Count + calibrated));
        return new UniformTest(distance, Survival((effective + 0.12 + 0.11 / effective) * distance));
    }

    /// <summary>The exact interval of a share of 95 % confidence (Clopper and Pearson 1934).</summary>
    public static Interval ShareInterval(int hits, int trials) => new(
        hits == 0 ? 0 : new Beta(hits, trials - hits + 1).InverseCumulativeDistribution(0.025),
        hits == trials ? 1 : new Beta(hits + 1, trials - hits).InverseCumulativeDistribution(0.975));

    /// <summary>Of Kolmogorov's distribution.</summary>
    private static double Survival(double x)
    {
        if (x < 0.2)
            return 1;
        double sum = 0;
        for (int k = 1; k <= 100; k++)
            sum += (k % 2 == 1 ? 2 : -2) * Math.Exp(-2.0 * k * k * x * x);
        return Math.Clamp(sum, 0, 1);
    }
}
