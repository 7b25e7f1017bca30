using EbmService.Core.Queries;

namespace EbmService.Core.Tests.Queries;

public sealed class FalseDiscoveriesTests
{
    [Fact]
    public void Adjust_PValues_GivesThoseOfTheStepUpProcedure()
    {
        // As p.adjust(c(0.01, 0.04, 0.03, 0.5), "BH") in R.
        double[] adjusted = FalseDiscoveries.Adjust([0.01, 0.04, 0.03, 0.5]);

        Assert.Equal([0.04, 0.16 / 3, 0.16 / 3, 0.5], adjusted, (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Adjust_NaN_TakesNoPart()
    {
        double[] adjusted = FalseDiscoveries.Adjust([double.NaN, 0.02, 1]);

        Assert.True(double.IsNaN(adjusted[0]));
        Assert.Equal((0.04, 1), (adjusted[1], adjusted[2]));
    }
}
