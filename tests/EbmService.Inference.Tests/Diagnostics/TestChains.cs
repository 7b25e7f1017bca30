using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

/// <summary>Chains made for tests, seeded.</summary>
internal static class TestChains
{
    /// <summary>Row-major (draws, chains) from one array per chain.</summary>
    public static double[] Rows(double[][] chains)
    {
        var rows = new double[chains[0].Length * chains.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = chains[i % chains.Length][i / chains.Length];
        return rows;
    }

    /// <summary>Row-major (draws, chains) of stationary autoregressions x' = rho x + sqrt(1 - rho^2) xi.</summary>
    public static double[] Autoregressive(int draws, int chains, double rho, int seed)
    {
        var random = new Random(seed);
        var rows = new double[draws * chains];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = i < chains ? Normal(random) : rho * rows[i - chains] + Math.Sqrt(1 - rho * rho) * Normal(random);
        return rows;
    }

    public static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>E-BFMI of each chain, its draws added one by one.</summary>
    public static double?[] Ebfmi(ChainDraws energies)
    {
        var accumulator = new EbfmiAccumulator(energies.Chains);
        for (int draw = 0; draw < energies.Draws; draw++)
            accumulator.Add(energies.Values.Slice(draw * energies.Chains, energies.Chains));
        return accumulator.Values();
    }
}
