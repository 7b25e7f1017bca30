namespace EbmService.Inference.Ood;

/// <summary>Benjamini and Hochberg 1995: rejections of a batch of p-values with a bounded false-discovery rate.</summary>
public static class BenjaminiHochberg
{
    /// <summary>Adjusted p-values, min over j &gt;= i of p_(j) m / j, at most 1: reject where they are at or below the wanted rate.</summary>
    public static double[] Adjust(ReadOnlySpan<double> pValues)
    {
        double[] sorted = pValues.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        var adjusted = new double[sorted.Length];
        double smallest = 1;
        for (int rank = sorted.Length; rank >= 1; rank--)
        {
            smallest = Math.Min(smallest, sorted[rank - 1] * sorted.Length / rank);
            adjusted[order[rank - 1]] = smallest;
        }
        return adjusted;
    }

    /// <summary>Which hypotheses to reject at a false-discovery rate of at most <paramref name="rate"/>.</summary>
    public static bool[] Reject(ReadOnlySpan<double> pValues, double rate) =>
        Array.ConvertAll(Adjust(pValues), adjusted => adjusted <= rate);
}
