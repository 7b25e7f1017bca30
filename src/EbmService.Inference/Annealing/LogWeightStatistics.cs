namespace EbmService.Inference.Annealing;

/// <summary>
/// What independent weights w, of which the mean is unbiased for a number, say of its logarithm. Weights come as logarithms: they differ by many orders of magnitude.
/// </summary>
/// <param name="LogMean">log of the mean weight; below the truth on average (Jensen).</param>
/// <param name="StandardError">Of <paramref name="LogMean"/>, to first order; too small where few weights have all the mass.</param>
/// <param name="EffectiveSize">(sum w)^2 / sum w^2: how many equal weights would be worth as much.</param>
internal sealed record LogWeightStatistics(int Count, double LogMean, double StandardError, double EffectiveSize)
{
    /// <summary>Stakes of the bets that make the bound, as shares of what is held: half a decade apart.</summary>
    private static readonly double[] s_stakes = [.. Enumerable.Range(0, 13).Select(i => Math.Pow(10, -i / 2.0))];

    public static LogWeightStatistics Of(IReadOnlyList<double> logs)
    {
        double top = logs.Max();
        if (!double.IsFinite(top))
            return new LogWeightStatistics(logs.Count, top, double.PositiveInfinity, 0);
        double sum = 0, squares = 0;
        foreach (double log in logs)
        {
            double weight = Math.Exp(log - top);
            (sum, squares) = (sum + weight, squares + weight * weight);
        }
        double mean = sum / logs.Count, variance = Math.Max(0, squares / logs.Count - mean * mean) * logs.Count / Math.Max(1, logs.Count - 1);
        return new LogWeightStatistics(logs.Count, top + Math.Log(mean), Math.Sqrt(variance / logs.Count) / mean, sum * sum / squares);
    }

    /// <summary>
    /// A lower confidence bound on the log of the expected weight that holds for any distribution of non-negative weights and any number of them: the largest m at which the
    /// product of 1 + s (w_i / m - 1), averaged over stakes s, has not fallen under 1 / alpha. Were the expectation m or less, that product would be a
    /// supermartingale of expectation 1 at most, which passes 1 / alpha with probability alpha at most (Ville 1939; Waudby-Smith and Ramdas 2024).
    /// An effective size or a standard error, in contrast, says nothing of what was never drawn.
    /// </summary>
    /// <param name="alpha">The probability that the bound is above the truth, at most.</param>
    public static double LowerBound(IReadOnlyList<double> logs, double alpha)
    {
        double top = logs.Max();
        if (!double.IsFinite(top))
            return double.NegativeInfinity;
        // At m = the largest weight all factors are 1 or less; far below all it is a product of large ones.
        (double low, double high) = (top - 60, top);
        double needed = -Math.Log(alpha);
        while (LogWealth(logs, low) < needed)
            low -= 60;
        for (int i = 0; i < 80; i++)
        {
            double middle = (low + high) / 2;
            if (LogWealth(logs, middle) >= needed)
                low = middle;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>
    /// The log of a ratio of normalising constants from both directions at once (Bennett 1976), which for bridges that are crossed by transitions and their reversals has
    /// the least variance.
    /// </summary>
    /// <param name="forward">Logs of weights of which the mean is unbiased for the ratio.</param>
    /// <param name="reverse">Of its inverse.</param>
    public static double Bennett(IReadOnlyList<double> forward, IReadOnlyList<double> reverse)
    {
        double shift = Math.Log((double)forward.Count / reverse.Count);
        // What the logistic terms of both sides leave, descending in the ratio.
        double Balance(double log) =>
            forward.Sum(weight => 1 / (1 + Math.Exp(shift + log - weight))) - reverse.Sum(weight => 1 / (1 + Math.Exp(-shift - log - weight)));
        IEnumerable<double> all = forward.Concat(reverse.Select(log => -log)).Where(double.IsFinite);
        (double low, double high) = (all.Min() - 100, all.Max() + 100);
        for (int i = 0; i < 100; i++)
        {
            double middle = (low + high) / 2;
            if (Balance(middle) > 0)
                low = middle;
            else
                high = middle;
        }
        return (low + high) / 2;
    }

    private static double LogWealth(IReadOnlyList<double> logs, double logMean)
    {
        double top = double.NegativeInfinity;
        Span<double> wealth = stackalloc double[s_stakes.Length];
        for (int i = 0; i < s_stakes.Length; i++)
        {
            double stake = s_stakes[i];
            foreach (double log in logs)
                wealth[i] += double.IsNegativeInfinity(log) ? Math.Log(1 - stake) : LogFactor(stake, log - logMean);
            top = Math.Max(top, wealth[i]);
        }
        if (double.IsNegativeInfinity(top))
            return top;
        double sum = 0;
        foreach (double one in wealth)
            sum += Math.Exp(one - top);
        return top + Math.Log(sum / s_stakes.Length);
    }

    /// <summary>log(1 - s + s e^d) without overflow.</summary>
    private static double LogFactor(double stake, double difference) => difference > 0
        ? difference + Math.Log(stake + (1 - stake) * Math.Exp(-difference))
        : Math.Log(1 - stake + stake * Math.Exp(difference));
}
