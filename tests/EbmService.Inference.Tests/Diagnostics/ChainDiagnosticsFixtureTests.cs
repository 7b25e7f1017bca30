using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

/// <summary>Against an independent reference of ArviZ's definitions, and against the R package posterior itself.</summary>
public sealed class ChainDiagnosticsFixtureTests
{
    private const double Relative = 1e-9;

    // Where posterior 1.4.0 departs from ArviZ; the reasons stand in Fixtures/README.md.
    private static readonly Dictionary<string, string[]> Departures = new()
    {
        ["ar1 -0.95, capped"] = ["mcseStandardDeviation"],
        ["two values"] = ["essTail"],
        ["clamped above"] = ["essTail"],
        ["odd, middle draws extreme"] = ["rHat"],
        ["4 draws"] = ["essBulk", "essTail", "essMean", "mcseMean", "mcseStandardDeviation"],
        ["5 draws"] = ["essBulk", "essTail", "essMean", "mcseMean", "mcseStandardDeviation"],
        ["7 draws"] = ["rHat", "essBulk", "essTail", "essMean", "mcseMean", "mcseStandardDeviation"],
        ["8 draws, 1 chain"] = ["essBulk", "essTail", "essMean", "mcseMean", "mcseStandardDeviation"],
    };

    public static TheoryData<string> Names => DiagnosticsFixtures.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Of_FixtureChains_EqualsArvizDefinitions(string name)
    {
        ChainStatistics actual = ChainDiagnostics.Compute(DiagnosticsFixtures.Draws(name));

        Assert.Equal(StatisticsCondition.Measured, actual.Condition);
        AssertStatistics(DiagnosticsFixtures.Arviz[name], actual, []);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Of_FixtureChains_EqualsPosterior(string name)
    {
        ChainStatistics actual = ChainDiagnostics.Compute(DiagnosticsFixtures.Draws(name));

        AssertStatistics(DiagnosticsFixtures.Posterior[name], actual, Departures.GetValueOrDefault(name, []));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Ebfmi_FixtureChains_EqualsArvizDefinition(string name)
    {
        double?[] expected = DiagnosticsFixtures.Arviz[name].Ebfmi!, actual = TestChains.Ebfmi(DiagnosticsFixtures.Draws(name));

        Assert.Equal(expected.Length, actual.Length);
        for (int chain = 0; chain < expected.Length; chain++)
            AssertClose($"chain {chain}", expected[chain], actual[chain]);
    }

    [Fact]
    public void Of_SeveralQuantities_EqualsOneByOne()
    {
        string[] names = [.. Names.Select(row => row.Data)];
        IReadOnlyList<ChainStatistics> together = ChainDiagnostics.Compute([.. names.Select(DiagnosticsFixtures.Draws)]);

        Assert.Equal(names.Select(name => ChainDiagnostics.Compute(DiagnosticsFixtures.Draws(name))), together);
    }

    private static void AssertStatistics(ExpectedDiagnostics expected, ChainStatistics actual, string[] except)
    {
        foreach ((string statistic, double? value, double? own) in ((string, double?, double?)[])
            [
                ("rHat", expected.RHat, actual.RHat),
                ("essBulk", expected.EssBulk, actual.EssBulk),
                ("essTail", expected.EssTail, actual.EssTail),
                ("essMean", expected.EssMean, actual.EssMean),
                ("standardDeviation", expected.StandardDeviation, actual.StandardDeviation),
                ("mcseMean", expected.McseMean, actual.McseMean),
                ("mcseStandardDeviation", expected.McseStandardDeviation, actual.McseStandardDeviation),
            ])
        {
            if (!except.Contains(statistic))
                AssertClose(statistic, value, own);
        }
        // A mean near 0 has no relative error: it is held against the spread.
        Assert.Equal(expected.Mean, actual.Mean!.Value, Relative * expected.StandardDeviation + 1e-15 * Math.Abs(expected.Mean));
    }

    private static void AssertClose(string statistic, double? expected, double? actual)
    {
        Assert.True((expected is null) == (actual is null), $"{statistic}: {expected} and {actual}");
        if (expected is { } value)
            Assert.True(Math.Abs(actual!.Value / value - 1) < Relative, $"{statistic}: {value:R} and {actual:R}");
    }
}
