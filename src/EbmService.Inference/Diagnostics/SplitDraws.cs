namespace EbmService.Inference.Diagnostics;

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

    public double RHat(ReadOnlySpan<double> values) => PotentialScaleReduction.Of(values, Shape.Columns, _scratch);

    public double Ess(ReadOnlySpan<double> values) => EffectiveSampleSize.Of(values, Shape.Columns, _scratch);

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
