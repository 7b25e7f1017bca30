namespace EbmService.Inference.Diagnostics;

/// <summary>
/// How many independent draws the draws of several chains are worth for a mean: number / tau, tau from autocorrelations over all
/// chains together (never a sum over chains), cut by Geyer's (1992) initial positive and initial monotone sequences, and at
/// least 1 / log10(number). ArviZ's <c>_ess</c>.
/// </summary>
internal static class EffectiveSampleSize
{
    /// <param name="values">Row-major (draws, chains), at least 2 draws.</param>
    /// <param name="scratch">As long as <paramref name="values"/>; overwritten.</param>
    /// <returns>For values that are all equal their number, as ArviZ: an indicator that never changes costs nothing.</returns>
    public static double Of(ReadOnlySpan<double> values, int chains, Memory<double> scratch)
    {
        if (values.IndexOfAnyExcept(values[0]) < 0)
            return values.Length;
        int draws = values.Length / chains;
        double[] means = Moments.Means(values, chains);
        Moments.Centre(values, means, scratch.Span);
        var products = new LaggedProducts(scratch, chains);
        double variance = products[0], within = variance * draws / (draws - 1);
        if (chains > 1)
            variance += Moments.Variance(means);
        double tau = Tau(lag => 1 - (within - products[lag]) / variance, draws);
        return values.Length / Math.Max(tau, 1 / Math.Log10(values.Length));
    }

    /// <summary>The integrated autocorrelation time from autocorrelations at each lag.</summary>
    private static double Tau(Func<int, double> autocorrelation, int draws)
    {
        (double[] rho, int last) = PositiveSequence(autocorrelation, draws);
        // No pair's sum may exceed the pair before.
        for (int t = 2; t < last - 1; t += 2)
        {
            double before = rho[t - 2] + rho[t - 1];
            if (rho[t] + rho[t + 1] > before)
                rho[t] = rho[t + 1] = before / 2;
        }
        double sum = rho[last];
        for (int t = 0; t < last; t++)
            sum += 2 * rho[t];
        return sum - 1;
    }

    /// <summary>Pairs of autocorrelations while their sums are positive; the last lag counts once.</summary>
    private static (double[] Rho, int Last) PositiveSequence(Func<int, double> autocorrelation, int draws)
    {
        var rho = new double[draws];
        double even = 1, odd = autocorrelation(1);
        (rho[0], rho[1]) = (even, odd);
        int t = 0;
        while (t < draws - 4 && even + odd > 0)
        {
            t += 2;
            (even, odd) = (autocorrelation(t), autocorrelation(t + 1));
            if (even + odd >= 0)
                (rho[t], rho[t + 1]) = (even, odd);
        }
        // The even lag after the last whole pair improves the estimate.
        if (even > 0)
            rho[t] = even;
        return (rho, t);
    }
}
