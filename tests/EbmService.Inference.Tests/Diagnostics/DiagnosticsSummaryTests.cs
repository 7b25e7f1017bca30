using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class DiagnosticsSummaryTests
{
    [Fact]
    public void Of_GoodQuantities_NamesTheWorstAndFlagsNothing()
    {
        DiagnosticsSummary sut = DiagnosticsSummary.Of([
            Named("energy", 1.002, 900, 450), Named("gradientNorm", 1.009, 700, 800), Named("projection 0", 1.0, 400, 500)]);

        Assert.Equal(new WorstFigure("gradientNorm", 1.009), sut.MaxRHat);
        Assert.Equal(new WorstFigure("projection 0", 400), sut.MinEssBulk);
        Assert.Equal(new WorstFigure("energy", 450), sut.MinEssTail);
        Assert.False(sut.RHatHigh || sut.EssLow);
        Assert.True(sut.Converged);
    }

    [Theory]
    [InlineData(1.0101, 900, 900, true, false)]
    [InlineData(1.01, 900, 900, false, false)]
    [InlineData(1.0, 399.9, 900, false, true)]
    [InlineData(1.0, 900, 399.9, false, true)]
    public void Of_OneQuantityAtTheLimits_FlagsBeyondThem(double rHat, double bulk, double tail, bool rHatHigh, bool essLow)
    {
        DiagnosticsSummary sut = DiagnosticsSummary.Of([Named("energy", 1.0, 1000, 1000), Named("worst", rHat, bulk, tail)]);

        Assert.Equal((rHatHigh, essLow), (sut.RHatHigh, sut.EssLow));
        Assert.Equal(!rHatHigh && !essLow, sut.Converged);
    }

    [Fact]
    public void Of_StuckQuantity_HasNoLargestRHatButIsFlagged()
    {
        var stuck = new ChainFigures(FiguresCondition.Stuck, 100, 4);

        DiagnosticsSummary sut = DiagnosticsSummary.Of([Named("energy", 1.0, 1000, 1000), new("norm", stuck)]);

        Assert.Null(sut.MaxRHat);
        Assert.True(sut.RHatHigh);
        Assert.Equal(FiguresCondition.Stuck, Assert.Single(sut.Undefined).Value);
    }

    [Fact]
    public void Of_UndefinedQuantity_IsNamedAndNotConverged()
    {
        DiagnosticsSummary sut = DiagnosticsSummary.Of([
            Named("energy", 1.0, 1000, 1000), new("norm", new ChainFigures(FiguresCondition.NotFinite, 100, 4))]);

        Assert.Equal(new WorstFigure("energy", 1.0), sut.MaxRHat);
        Assert.Equal(new KeyValuePair<string, FiguresCondition>("norm", FiguresCondition.NotFinite), Assert.Single(sut.Undefined));
        Assert.False(sut.RHatHigh || sut.EssLow || sut.Converged);
    }

    [Fact]
    public void Of_Nothing_IsNotConverged()
    {
        DiagnosticsSummary sut = DiagnosticsSummary.Of([]);

        Assert.Null(sut.MaxRHat ?? sut.MinEssBulk ?? sut.MinEssTail);
        Assert.False(sut.RHatHigh || sut.EssLow || sut.Converged);
    }

    // A single chain has no R-hat: without one nothing may be called converged.
    [Fact]
    public void Of_OneChain_IsNotConverged()
    {
        ChainFigures one = ChainDiagnostics.Of(ChainDraws.From(TestChains.Autoregressive(2000, 1, 0, seed: 41), 1));

        DiagnosticsSummary sut = DiagnosticsSummary.Of([new("energy", one)]);

        Assert.False(sut.RHatHigh || sut.EssLow || sut.Converged);
    }

    private static NamedFigures Named(string name, double rHat, double bulk, double tail) =>
        new(name, new ChainFigures(FiguresCondition.Measured, 1000, 4, rHat, bulk, tail));
}
