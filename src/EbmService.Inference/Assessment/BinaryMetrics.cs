namespace EbmService.Inference.Assessment;

/// <summary>How well a score separates two sets, over all thresholds; the definitions are scikit-learn's. NaN scores rank lowest.</summary>
public static class BinaryMetrics
{
    /// <summary>
    /// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half
    /// (<c>sklearn.metrics.roc_auc_score</c>).
    /// </summary>
    /// <exception cref="ArgumentException">One of the sets is empty.</exception>
    public static double Auroc(ReadOnlySpan<float> positives, ReadOnlySpan<float> negatives)
    {
        double pairsWon = 0;
        long negativesAbove = 0;
        foreach ((int positive, int negative) in Groups(positives, negatives))
        {
            long below = negatives.Length - negativesAbove - negative;
            pairsWon += positive * (below + negative / 2.0);
            negativesAbove += negative;
        }
        return pairsWon / ((double)positives.Length * negatives.Length);
    }

    /// <summary>
    /// Area under the precision-recall curve as average precision, sum of (R_i - R_{i-1}) P_i over distinct thresholds, no
    /// interpolation (<c>sklearn.metrics.average_precision_score</c>).
    /// </summary>
    /// <exception cref="ArgumentException">One of the sets is empty.</exception>
    public static double AveragePrecision(ReadOnlySpan<float> positives, ReadOnlySpan<float> negatives)
    {
        double sum = 0;
        long accepted = 0, right = 0;
        foreach ((int positive, int negative) in Groups(positives, negatives))
        {
            right += positive;
            accepted += positive + negative;
            sum += (double)positive / positives.Length * right / accepted;
        }
        return sum;
    }

    /// <summary>The number of positives and negatives at each distinct score, highest first.</summary>
    private static List<(int Positive, int Negative)> Groups(ReadOnlySpan<float> positives, ReadOnlySpan<float> negatives)
    {
        if (positives.IsEmpty || negatives.IsEmpty)
            throw new ArgumentException("needs at least one positive and one negative score");
        float[] high = Descending(positives), low = Descending(negatives);
        var groups = new List<(int, int)>();
        int i = 0, j = 0;
        while (i < high.Length || j < low.Length)
        {
            float score = j == low.Length || (i < high.Length && high[i].CompareTo(low[j]) > 0) ? high[i] : low[j];
            (int firstHigh, int firstLow) = (i, j);
            while (i < high.Length && high[i].Equals(score))
                i++;
            while (j < low.Length && low[j].Equals(score))
                j++;
            groups.Add((i - firstHigh, j - firstLow));
        }
        return groups;
    }

    private static float[] Descending(ReadOnlySpan<float> values)
    {
        float[] sorted = values.ToArray();
        Array.Sort(sorted);
        Array.Reverse(sorted);
        return sorted;
    }
}
