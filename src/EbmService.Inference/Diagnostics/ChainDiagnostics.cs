namespace EbmService.Inference.Diagnostics;

/// <summary>
/// R-hat, effective sample sizes and Monte Carlo errors of a quantity over chains. Pure: the same draws give the same figures.
/// Thread-safe. Never throws for what the draws hold.
/// </summary>
public static class ChainDiagnostics
{
    private const int FewestDraws = 4;

    public static ChainFigures Of(ChainDraws draws) => Of([draws])[0];

    /// <summary>Several quantities, usually of the same chains; a little faster than one by one.</summary>
    public static IReadOnlyList<ChainFigures> Of(IReadOnlyList<ChainDraws> quantities)
    {
        NormalScores? scores = null;
        var results = new ChainFigures[quantities.Count];
        for (int i = 0; i < results.Length; i++)
            results[i] = Of(quantities[i], ref scores);
        return results;
    }

    private static ChainFigures Of(ChainDraws draws, ref NormalScores? scores)
    {
        foreach (double value in draws.Values)
        {
            if (!double.IsFinite(value))
                return new(FiguresCondition.NotFinite, draws.Draws, draws.Chains);
        }
        ChainFigures moments = MomentsOnly(draws);
        if (draws.Draws < FewestDraws)
            return moments;
        var split = new SplitDraws(draws);
        if (split.AllEqual)
            return moments with { Condition = FiguresCondition.Constant };
        // Draws that repeat one value are one draw, however far the chains lie apart.
        if (split.NothingMoves)
            return moments with { Condition = FiguresCondition.Stuck };
        int count = split.Values.Length;
        if (scores?.Count != count)
            scores = new NormalScores(count);
        return Measure(moments, draws, split, scores);
    }

    private static ChainFigures Measure(ChainFigures moments, ChainDraws draws, SplitDraws split, NormalScores scores)
    {
        var ordered = new OrderedDraws(draws.Values, split.Shape);
        var ranks = new double[split.Values.Length];
        ordered.ScoreFolded(scores, ranks);
        double rHat = split.RHat(ranks);
        ordered.Score(scores, ranks);
        rHat = Math.Max(rHat, split.RHat(ranks));
        double essMean = split.Ess(split.Values), mean = Moments.Mean(draws.Values);
        return moments with
        {
            Condition = FiguresCondition.Measured,
            RHat = draws.Chains < 2 ? null : Finite(rHat),
            EssBulk = Finite(split.Ess(ranks)),
            EssTail = Finite(Math.Min(split.EssBelow(ordered.Quantile(0.05)), split.EssBelow(ordered.Quantile(0.95)))),
            EssMean = Finite(essMean),
            McseMean = moments.StandardDeviation is { } deviation ? Finite(deviation / Math.Sqrt(essMean)) : null,
            McseStandardDeviation = Finite(DeviationError(draws, mean, split.EssOfSquares(mean))),
        };
    }

    private static ChainFigures MomentsOnly(ChainDraws draws)
    {
        ReadOnlySpan<double> values = draws.Values;
        return new ChainFigures(
            FiguresCondition.TooFewDraws, draws.Draws, draws.Chains,
            Mean: values.IsEmpty ? null : Finite(Moments.Mean(values)),
            StandardDeviation: values.Length < 2 ? null : Finite(Math.Sqrt(Moments.Variance(values))));
    }

    // The error of the mean squared deviation, carried over to its root (posterior's mcse_sd).
    private static double DeviationError(ChainDraws draws, double mean, double ess)
    {
        double second = 0, fourth = 0;
        foreach (double value in draws.Values)
        {
            double square = (value - mean) * (value - mean);
            (second, fourth) = (second + square, fourth + square * square);
        }
        (second, fourth) = (second / draws.Values.Length, fourth / draws.Values.Length);
        return Math.Sqrt((fourth - second * second) / ess / second / 4);
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
