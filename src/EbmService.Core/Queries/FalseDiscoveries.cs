namespace EbmService.Core.Queries;

/// <summary>The step-up procedure of Benjamini and Hochberg (1995).</summary>
/// <remarks>
/// Conformal p-values of one batch share their calibration rows and depend on each other positively, so that the procedure keeps the false discovery rate
/// (Bates et al. 2023).
/// </remarks>
public static class FalseDiscoveries
{
    /// <summary>
    /// Adjusted p-values: the smallest of n p(j) / j over all ranks j from the input's own on; at most the wanted rate = a discovery.
    /// </summary>
    /// <param name="pValues">NaN takes no part and stays.</param>
    public static double[] Adjust(IReadOnlyList<double> pValues)
    {
        int[] order = [.. Enumerable.Range(0, pValues.Count).Where(i => !double.IsNaN(pValues[i])).OrderBy(i => pValues[i])];
        double[] adjusted = [.. pValues.Select(_ => double.NaN)];
        double least = 1;
        for (int rank = order.Length; rank >= 1; rank--)
        {
            least = Math.Min(least, pValues[order[rank - 1]] * order.Length / rank);
            adjusted[order[rank - 1]] = least;
        }
        return adjusted;
    }
}
