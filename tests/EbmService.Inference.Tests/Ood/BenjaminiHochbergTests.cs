using EbmService.Inference.Ood;

namespace EbmService.Inference.Tests.Ood;

public sealed class BenjaminiHochbergTests
{
    // m = 5, sorted 0.01, 0.02, 0.03, 0.04, 0.5: p m / rank = 0.05, 0.05, 0.05, 0.05, 0.5.
    [Fact]
    public void Adjust_FiveValues_KeepsTheirOrder()
    {
        double[] adjusted = BenjaminiHochberg.Adjust([0.5, 0.02, 0.01, 0.04, 0.03]);

        double[] expected = [0.5, 0.05, 0.05, 0.05, 0.05];
        Assert.All(expected.Zip(adjusted), pair => Assert.Equal(pair.First, pair.Second, 12));
    }

    // The step-up: 0.04 is over its own line 0.05 * 1/2, but 0.045 is under 0.05 * 2/2, so both go.
    [Fact]
    public void Reject_LaterValueUnderItsLine_TakesTheEarlierWithIt()
    {
        Assert.Equal([true, true], BenjaminiHochberg.Reject([0.045, 0.04], 0.05));
        Assert.Equal([false, true, false], BenjaminiHochberg.Reject([0.06, 0.001, 0.9], 0.05));
        Assert.Empty(BenjaminiHochberg.Reject([], 0.05));
    }

    // Benjamini and Hochberg 1995, section 3.2: 15 p-values, at q = 0.05 the first four are rejected (p_(4) = 0.0095 <=
    // 4/15 * 0.05 = 0.013).
    [Fact]
    public void Reject_TheirOwnExample_TakesFour()
    {
        double[] values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000];

        Assert.Equal(4, BenjaminiHochberg.Reject(values, 0.05).Count(rejected => rejected));
    }
}
