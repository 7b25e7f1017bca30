namespace EbmService.Benchmarks;

/// <summary>A figure over the rounds: timings on shared machines wander, so one number would say too much.</summary>
internal sealed record Spread(double Median, double Min, double Max)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        return new Spread(Quantile(all, 0.5), all.Min(), all.Max());
    }

    /// <summary>Linear between the neighbours, as NumPy's default.</summary>
    public static double Quantile(IReadOnlyCollection<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
