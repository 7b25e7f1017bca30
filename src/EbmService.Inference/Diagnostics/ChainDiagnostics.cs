using MathNet.Numerics.Distributions;

namespace EbmService.Inference.Diagnostics;

/// <summary>
/// R-hat, effective sample sizes and Monte Carlo errors of a quantity over chains. Pure: the same draws give the same statistics.
/// Thread-safe. Never throws for what the draws hold.
/// </summary>
public static class ChainDiagnostics
{
    private const int FewestDraws = 4;

    public static ChainStatistics Compute(ChainDraws draws) => Compute([draws])[0];

    /// <summary>Several quantities, usually of the same chains; a little faster than one by one.</summary>
    public static IReadOnlyList<ChainStatistics> Compute(IReadOnlyList<ChainDraws> quantities)
    {
        NormalScores? scores = null;
        var results = new ChainStatistics[quantities.Count];
        for (int i = 0; i < results.Length; i++)
            results[i] = Compute(quantities[i], ref scores);
        return results;
    }

    private static ChainStatistics Compute(ChainDraws draws, ref NormalScores? scores)
    {
        foreach (double value in draws.Values)
        {
            if (!double.IsFinite(value))
                return new(StatisticsCondition.NotFinite, draws.Draws, draws.Chains);
        }
        ChainStatistics moments = MomentsOnly(draws);
        if (draws.Draws < FewestDraws)
            return moments;
        var split = new SplitDraws(draws);
        if (split.AllEqual)
            return moments with { Condition = StatisticsCondition.Constant };
        // Draws that repeat one value are one draw, however far the chains lie apart.
        if (split.NothingMoves)
            return moments with { Condition = StatisticsCondition.Stuck };
        int count = split.Values.Length;
        if (scores?.Count != count)
            scores = new NormalScores(count);
        return Measure(moments, draws, split, scores);
    }

    private static ChainStatistics Measure(ChainStatistics moments, ChainDraws draws, SplitDraws split, NormalScores scores)
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
            Condition = StatisticsCondition.Measured,
            RHat = draws.Chains < 2 ? null : Finite(rHat),
            EssBulk = Finite(split.Ess(ranks)),
            EssTail = Finite(Math.Min(split.EssBelow(ordered.Quantile(0.05)), split.EssBelow(ordered.Quantile(0.95)))),
            EssMean = Finite(essMean),
            McseMean = moments.StandardDeviation is { } deviation ? Finite(deviation / Math.Sqrt(essMean)) : null,
            McseStandardDeviation = Finite(DeviationError(draws, mean, split.EssOfSquares(mean))),
        };
    }

    private static ChainStatistics MomentsOnly(ChainDraws draws)
    {
        ReadOnlySpan<double> values = draws.Values;
        return new ChainStatistics(
            StatisticsCondition.TooFewDraws, draws.Draws, draws.Chains,
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

/// <summary>One quantity's split chains, and what is measured on them. Not thread-safe: the measures share working memory.</summary>
internal sealed class SplitDraws
{
    private readonly double[] _work;
    private readonly double[] _scratch;

    public SplitDraws(ChainDraws draws)
    {
        Shape = new SplitShape(draws.Draws, draws.Chains);
        Values = new double[Shape.Count];
        _work = new double[Shape.Count];
        _scratch = new double[Shape.Count];
        Shape.Split(draws.Values, Values);
        NothingMoves = Values.AsSpan(Shape.Columns).SequenceEqual(Values.AsSpan(0, Values.Length - Shape.Columns));
        AllEqual = Values.AsSpan().IndexOfAnyExcept(Values[0]) < 0;
    }

    public SplitShape Shape { get; }

    /// <value>Row-major (half, split chains).</value>
    public double[] Values { get; }

    public bool AllEqual { get; }

    /// <value>Whether every split chain repeats one value.</value>
    public bool NothingMoves { get; }

    /// <summary>
    /// The root of the variance of all chains together over that within chains: near 1 when chains agree, infinite when no chain moves.
    /// ArviZ's <c>_rhat</c>.
    /// </summary>
    public double RHat(ReadOnlySpan<double> values)
    {
        double[] means = Moments.Means(values, Shape.Columns);
        Moments.Centre(values, means, _scratch);
        double squares = 0;
        foreach (double difference in _scratch)
            squares += difference * difference;
        double within = squares / ((Shape.Half - 1.0) * Shape.Columns), between = Shape.Half * Moments.Variance(means);
        return Math.Sqrt((between / within + Shape.Half - 1) / Shape.Half);
    }

    public double Ess(ReadOnlySpan<double> values) => EffectiveSampleSize.Compute(values, Shape.Columns, _scratch);

    /// <summary>Of the indicator x &lt;= limit: the effective size for a quantile.</summary>
    public double EssBelow(double limit)
    {
        for (int i = 0; i < _work.Length; i++)
            _work[i] = Values[i] <= limit ? 1 : 0;
        return Ess(_work);
    }

    /// <summary>Of (x - mean)^2: the effective size for the standard deviation.</summary>
    public double EssOfSquares(double mean)
    {
        for (int i = 0; i < _work.Length; i++)
            _work[i] = (Values[i] - mean) * (Values[i] - mean);
        return Ess(_work);
    }
}

/// <summary>
/// Where draws lie once each chain is cut in two: row-major (half, 2 chains), first halves in the first columns. The middle draw
/// of an odd number belongs to neither.
/// </summary>
internal readonly record struct SplitShape(int Draws, int Chains)
{
    public int Half => Draws / 2;

    /// <value>Split chains.</value>
    public int Columns => 2 * Chains;

    /// <value>Draws in all split chains.</value>
    public int Count => Half * Columns;

    /// <summary>The place of a draw given by its index in (draws, chains), or -1 for a middle draw.</summary>
    public int PlaceOf(int index)
    {
        (int draw, int chain) = Math.DivRem(index, Chains);
        if (draw < Half)
            return draw * Columns + chain;
        int row = draw - (Draws - Half);
        return row < 0 ? -1 : row * Columns + Chains + chain;
    }

    public void Split(ReadOnlySpan<double> values, Span<double> split)
    {
        for (int row = 0; row < Half; row++)
        {
            values.Slice(row * Chains, Chains).CopyTo(split[(row * Columns)..]);
            values.Slice((row + Draws - Half) * Chains, Chains).CopyTo(split[(row * Columns + Chains)..]);
        }
    }
}

/// <summary>One quantity's draws in ascending order: quantiles of all, and ranks of the split chains as they are and folded.</summary>
internal sealed class OrderedDraws
{
    private readonly double[] _sorted;
    private readonly int[] _order;
    private readonly SplitShape _shape;
    private double[]? _split;
    private int[]? _places;

    public OrderedDraws(ReadOnlySpan<double> values, SplitShape shape)
    {
        _shape = shape;
        (_sorted, _order) = RadixOrder.Of(values);
    }

    /// <summary>Linear between the neighbours, type 7 of Hyndman and Fan, numpy's and R's default; exact where these are equal.</summary>
    public double Quantile(double probability)
    {
        double index = (_sorted.Length - 1) * probability;
        int below = (int)Math.Floor(index);
        double share = index - below, low = _sorted[below], high = _sorted[Math.Min(below + 1, _sorted.Length - 1)];
        return share < 0.5 ? low + (high - low) * share : high - (high - low) * (1 - share);
    }

    /// <summary>Normal scores of the ranks of the split chains' draws.</summary>
    public void Score(NormalScores scores, Span<double> result)
    {
        (double[] sorted, int[] places) = SplitOrder();
        scores.Assign(sorted, places, result);
    }

    /// <summary>Normal scores of the ranks of |x - median|, the median that of the split chains' draws.</summary>
    public void ScoreFolded(NormalScores scores, Span<double> result)
    {
        (double[] sorted, int[] places) = SplitOrder();
        (double[] distances, int[] distancePlaces) = Fold(sorted, places);
        scores.Assign(distances, distancePlaces, result);
    }

    // Distances grow away from the median on both sides, so that two sorted runs are merged and nothing is sorted again.
    private static (double[] Distances, int[] Places) Fold(double[] sorted, int[] places)
    {
        var distances = new double[sorted.Length];
        var distancePlaces = new int[sorted.Length];
        int left = sorted.Length / 2 - 1, right = sorted.Length / 2;
        double median = (sorted[left] + sorted[right]) / 2;
        for (int i = 0; i < sorted.Length; i++)
        {
            bool takeLeft = right == sorted.Length || (left >= 0 && median - sorted[left] <= sorted[right] - median);
            int next = takeLeft ? left-- : right++;
            distances[i] = Math.Abs(sorted[next] - median);
            distancePlaces[i] = places[next];
        }
        return (distances, distancePlaces);
    }

    private (double[] Sorted, int[] Places) SplitOrder()
    {
        if (_split is not null && _places is not null)
            return (_split, _places);
        _split = new double[_shape.Count];
        _places = new int[_shape.Count];
        int next = 0;
        for (int i = 0; i < _sorted.Length; i++)
        {
            int place = _shape.PlaceOf(_order[i]);
            if (place < 0)
                continue;
            (_split[next], _places[next]) = (_sorted[i], place);
            next++;
        }
        return (_split, _places);
    }
}

/// <summary>Normal scores of the ranks 1 to S: the normal quantile of (r - 3/8) / (S + 1/4), Blom (1958).</summary>
internal sealed class NormalScores
{
    private readonly double[] _ofRank;

    public NormalScores(int count)
    {
        Count = count;
        _ofRank = new double[count + 1];
        for (int rank = 1; 2 * rank <= count; rank++)
        {
            _ofRank[rank] = Score(rank);
            _ofRank[count + 1 - rank] = -_ofRank[rank];
        }
    }

    /// <value>S.</value>
    public int Count { get; }

    /// <summary>
    /// Gives each place the normal score of its value's rank; equal values get the score of their average rank.
    /// </summary>
    /// <param name="sorted">Ascending, S values.</param>
    /// <param name="places">Where each of them lies in <paramref name="scores"/>.</param>
    public void Assign(ReadOnlySpan<double> sorted, ReadOnlySpan<int> places, Span<double> scores)
    {
        for (int first = 0; first < sorted.Length;)
        {
            int end = first + 1;
            while (end < sorted.Length && sorted[end] == sorted[first])
                end++;
            // Ranks first + 1 to end: their mean is a whole number for an odd count of ties.
            double score = (end - first) % 2 == 1 ? _ofRank[(first + end + 1) / 2] : Score((first + end + 1) / 2.0);
            for (; first < end; first++)
                scores[places[first]] = score;
        }
    }

    private double Score(double rank)
    {
        double middle = (Count + 1) / 2.0;
        // From the smaller side: 1 - p would lose digits in the upper tail.
        return rank <= middle
            ? Normal.InvCDF(0, 1, (rank - 0.375) / (Count + 0.25))
            : -Normal.InvCDF(0, 1, (Count + 1 - rank - 0.375) / (Count + 0.25));
    }
}

/// <summary>Means of the columns of a row-major (rows, columns) array, and moments of plain series.</summary>
internal static class Moments
{
    public static double[] Means(ReadOnlySpan<double> values, int columns)
    {
        var means = new double[columns];
        int rows = values.Length / columns;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<double> line = values.Slice(row * columns, columns);
            for (int column = 0; column < line.Length; column++)
                means[column] += line[column];
        }
        for (int column = 0; column < columns; column++)
            means[column] /= rows;
        return means;
    }

    /// <summary>Writes each value less its column's mean.</summary>
    public static void Centre(ReadOnlySpan<double> values, ReadOnlySpan<double> means, Span<double> centred)
    {
        for (int start = 0; start < values.Length; start += means.Length)
        {
            ReadOnlySpan<double> line = values.Slice(start, means.Length);
            Span<double> target = centred.Slice(start, means.Length);
            for (int column = 0; column < line.Length; column++)
                target[column] = line[column] - means[column];
        }
    }

    /// <summary>The mean, by differences from the first value: a large common part costs no digits.</summary>
    public static double Mean(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
            sum += value - values[0];
        return values[0] + sum / values.Length;
    }

    /// <summary>The variance, with n - 1.</summary>
    public static double Variance(ReadOnlySpan<double> values)
    {
        double mean = Mean(values), squares = 0;
        foreach (double value in values)
            squares += (value - mean) * (value - mean);
        return squares / (values.Length - 1);
    }
}
