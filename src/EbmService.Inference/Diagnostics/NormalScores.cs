namespace EbmService.Inference.Diagnostics;

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
            ? NormalQuantile.Of((rank - 0.375) / (Count + 0.25))
            : -NormalQuantile.Of((Count + 1 - rank - 0.375) / (Count + 0.25));
    }
}
