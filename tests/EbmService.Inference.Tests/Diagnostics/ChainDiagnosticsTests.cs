using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class ChainDiagnosticsTests
{
    // An autoregression's autocorrelations are rho^t: tau = (1 + rho) / (1 - rho). Over 128 000 draws 20 other seeds gave 0.93 to
    // 1.11 of the closed form (the most at rho = -0.5, where Geyer's rule cuts off negative lags) and an R-hat of at most 1.013.
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.9)]
    [InlineData(-0.5)]
    public void EssMean_Autoregression_IsNearItsClosedForm(double rho)
    {
        ChainDraws draws = ChainDraws.From(TestChains.Autoregressive(2000, 64, rho, seed: 11), 64);

        ChainStatistics actual = ChainDiagnostics.Compute(draws);

        double expected = 128_000 * (1 - rho) / (1 + rho);
        Assert.InRange(actual.EssMean!.Value, 0.85 * expected, 1.15 * expected);
        Assert.InRange(actual.EssBulk!.Value, 0.85 * expected, 1.15 * expected);
        Assert.InRange(actual.McseMean!.Value, 0.93 / Math.Sqrt(expected), 1.085 / Math.Sqrt(expected));
        Assert.InRange(actual.RHat!.Value, 0.999, 1.015);
    }

    // The error of a normal deviation from n independent draws is sigma / sqrt(2 n).
    [Fact]
    public void McseStandardDeviation_IndependentNormals_IsNearItsClosedForm()
    {
        ChainDraws draws = ChainDraws.From(TestChains.Autoregressive(2000, 64, 0, seed: 12), 64);

        double expected = 1 / Math.Sqrt(2 * 128_000.0);
        Assert.InRange(ChainDiagnostics.Compute(draws).McseStandardDeviation!.Value, 0.95 * expected, 1.05 * expected);
    }

    // Effective sizes are counted over all chains: chains that each mix well but disagree are worth about their number. A sum of
    // sizes per chain would give nearly all 4 000 draws.
    [Fact]
    public void Ess_ChainsThatDisagree_IsNotSummedOverChains()
    {
        double[] values = TestChains.Autoregressive(1000, 4, 0, seed: 13);
        for (int i = 0; i < values.Length; i++)
            values[i] += 10 * (i % 4);

        ChainStatistics actual = ChainDiagnostics.Compute(ChainDraws.From(values, 4));

        Assert.InRange(actual.EssBulk!.Value, 1, 10);
        Assert.True(actual.RHat > 2);
    }

    // Equal means, unequal spreads: only the folded part sees it.
    [Fact]
    public void RHat_ChainsOfDifferentScale_IsHigh()
    {
        double[] values = TestChains.Autoregressive(1000, 4, 0, seed: 14);
        for (int i = 3; i < values.Length; i += 4)
            values[i] *= 3;

        Assert.True(ChainDiagnostics.Compute(ChainDraws.From(values, 4)).RHat > 1.05);
    }

    // Ranks don't change under a rising function; only statistics on ranks stay.
    [Fact]
    public void RankedStatistics_RisingTransformation_StayTheSame()
    {
        double[] values = TestChains.Autoregressive(200, 4, 0.5, seed: 15);
        ChainStatistics plain = ChainDiagnostics.Compute(ChainDraws.From(values, 4));
        ChainStatistics stretched = ChainDiagnostics.Compute(ChainDraws.From([.. values.Select(value => Math.Exp(3 * value))], 4));

        Assert.Equal(plain.EssBulk, stretched.EssBulk);
        Assert.NotEqual(plain.EssMean, stretched.EssMean);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Of_FewerThanFourDraws_GivesMomentsOnly(int count)
    {
        ChainDraws draws = ChainDraws.From(TestChains.Autoregressive(count, 2, 0, seed: 16), 2);

        ChainStatistics actual = ChainDiagnostics.Compute(draws);

        Assert.Equal(StatisticsCondition.TooFewDraws, actual.Condition);
        Assert.Equal((count, 2), (actual.Draws, actual.Chains));
        Assert.Null(actual.RHat ?? actual.EssBulk ?? actual.EssTail ?? actual.EssMean ?? actual.McseMean ?? actual.McseStandardDeviation);
        Assert.Equal(count > 0, actual.Mean is not null);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Of_OneDrawNotFinite_GivesNothing(double value)
    {
        double[] values = TestChains.Autoregressive(50, 2, 0, seed: 17);
        values[37] = value;

        Assert.Equal(new ChainStatistics(StatisticsCondition.NotFinite, 50, 2), ChainDiagnostics.Compute(ChainDraws.From(values, 2)));
    }

    [Fact]
    public void Of_AllDrawsEqual_IsConstant()
    {
        var values = new float[60];
        Array.Fill(values, 0.1f);

        ChainStatistics actual = ChainDiagnostics.Compute(ChainDraws.From(values, 3));

        Assert.Equal(StatisticsCondition.Constant, actual.Condition);
        Assert.Equal(0.1f, actual.Mean!.Value, 1e-12);
        Assert.Equal(0, actual.StandardDeviation!.Value, 1e-12);
        Assert.Null(actual.RHat ?? actual.EssBulk ?? actual.EssTail ?? actual.EssMean ?? actual.McseMean);
    }

    [Fact]
    public void Of_EveryChainAtItsOwnValue_IsStuckAndHasNoEffectiveSize()
    {
        double[] values = [.. Enumerable.Range(0, 60).Select(i => 0.1 * (i % 3))];

        ChainStatistics actual = ChainDiagnostics.Compute(ChainDraws.From(values, 3));

        Assert.Equal(StatisticsCondition.Stuck, actual.Condition);
        Assert.Equal(0.1, actual.Mean!.Value, 1e-12);
        Assert.Null(actual.RHat ?? actual.EssBulk ?? actual.EssTail ?? actual.EssMean ?? actual.McseMean ?? actual.McseStandardDeviation);
    }

    [Fact]
    public void Of_ValuesWhoseSquaresOverflow_GivesNoInfinity()
    {
        double[] values = [.. TestChains.Autoregressive(50, 2, 0, seed: 18).Select(value => 1e200 * value)];

        ChainStatistics actual = ChainDiagnostics.Compute(ChainDraws.From(values, 2));

        Assert.True(double.IsFinite(actual.RHat!.Value) && double.IsFinite(actual.EssBulk!.Value));
        Assert.Null(actual.StandardDeviation ?? actual.McseMean);
    }

    // Short and long, odd and even, with slow chains so that autocovariances come from both ways of computing them.
    [Fact]
    public void Of_EveryShape_NeverThrowsAndStaysFinite()
    {
        foreach (int draws in (int[])[4, 5, 6, 7, 8, 9, 10, 13, 16, 31, 64, 101, 150, 151, 300])
        {
            for (int chains = 1; chains <= 19; chains += 2)
            {
                ChainStatistics actual = ChainDiagnostics.Compute(
                    ChainDraws.From(TestChains.Autoregressive(draws, chains, 0.99, draws * 100 + chains), chains));

                Assert.Equal(chains > 1, actual.RHat is not null);
                Assert.True(actual.EssBulk > 0 && actual.EssTail > 0 && actual.McseMean > 0 && actual.McseStandardDeviation > 0);
            }
        }
    }
}
