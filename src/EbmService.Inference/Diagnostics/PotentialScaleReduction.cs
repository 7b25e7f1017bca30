namespace EbmService.Inference.Diagnostics;

/// <summary>
/// R-hat: the root of the variance of all chains together over that within chains. Near 1 when chains agree. ArviZ's <c>_rhat</c>.
/// </summary>
internal static class PotentialScaleReduction
{
    /// <param name="values">Row-major (draws, chains), at least 2 of each.</param>
    /// <param name="scratch">As long as <paramref name="values"/>; overwritten.</param>
    /// <returns>Infinite when no chain moves.</returns>
    public static double Of(ReadOnlySpan<double> values, int chains, Span<double> scratch)
    {
        int draws = values.Length / chains;
        double[] means = Moments.Means(values, chains);
        Moments.Centre(values, means, scratch);
        double squares = 0;
        foreach (double difference in scratch)
            squares += difference * difference;
        double within = squares / ((draws - 1.0) * chains), between = draws * Moments.Variance(means);
        return Math.Sqrt((between / within + draws - 1) / draws);
    }
}
