namespace EbmService.Dashboard.Jobs;

/// <summary>What is drawn of finished chains and not in their files.</summary>
public static class ChainStatistics
{
    /// <summary>
    /// Of each chain's draws how many fall into each of the ranges of ranks among all chains' draws, over what would be expected: chains that
    /// agree stay near 1 (Vehtari et al. 2021).
    /// </summary>
    public static double[][] RankShares(float[][] draws, int ranges)
    {
        int total = draws.Sum(chain => chain.Length);
        var all = new (float Value, int Chain)[total];
        int at = 0;
        for (int chain = 0; chain < draws.Length; chain++)
        {
            foreach (float value in draws[chain])
                all[at++] = (value, chain);
        }
        Array.Sort(all, (a, b) => a.Value.CompareTo(b.Value));
        var counts = new double[draws.Length][];
        for (int chain = 0; chain < draws.Length; chain++)
            counts[chain] = new double[ranges];
        for (int rank = 0; rank < total; rank++)
            counts[all[rank].Chain][(int)((long)rank * ranges / total)]++;
        for (int chain = 0; chain < draws.Length; chain++)
        {
            for (int range = 0; range < ranges; range++)
                counts[chain][range] *= ranges / (double)draws[chain].Length;
        }
        return counts;
    }

    /// <summary>The autocorrelation of each chain at lags 0, 1, ... of its draws.</summary>
    public static double[][] Autocorrelations(float[][] draws, int lags) =>
        [.. draws.Where(chain => chain.Length > lags && chain.Max() > chain.Min()).Select(chain => Autocorrelation(chain, lags))];

    /// <summary>Mean and standard deviation over the chains, at each place.</summary>
    public static (float[] Mean, float[] Low, float[] High) Band(IReadOnlyList<double[]> chains)
    {
        int length = chains.Count == 0 ? 0 : chains[0].Length;
        float[] mean = new float[length], low = new float[length], high = new float[length];
        for (int i = 0; i < length; i++)
        {
            double average = chains.Average(chain => chain[i]);
            double deviation = Math.Sqrt(chains.Average(chain => (chain[i] - average) * (chain[i] - average)));
            (mean[i], low[i], high[i]) = ((float)average, (float)(average - deviation), (float)(average + deviation));
        }
        return (mean, low, high);
    }

    private static double[] Autocorrelation(float[] chain, int lags)
    {
        double mean = chain.Average(value => (double)value);
        double variance = chain.Average(value => (value - mean) * (value - mean));
        var correlations = new double[lags + 1];
        for (int lag = 0; lag <= lags; lag++)
        {
            double sum = 0;
            for (int i = lag; i < chain.Length; i++)
                sum += (chain[i] - mean) * (chain[i - lag] - mean);
            correlations[lag] = sum / chain.Length / variance;
        }
        return correlations;
    }
}
