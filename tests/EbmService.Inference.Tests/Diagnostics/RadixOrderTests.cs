using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class RadixOrderTests
{
    [Fact]
    public void Of_NumbersOfEveryKind_SortsAsOrderByDoes()
    {
        var random = new Random(51);
        double[] special = [0, -0.0, 1, -1, double.Epsilon, -double.Epsilon, double.MaxValue, double.MinValue, 1 + 1e-16, 1 + 2.3e-16];
        double[] values =
        [
            .. special,
            .. Enumerable.Range(0, 3000).Select(_ => TestChains.Normal(random) * Math.Pow(10, random.Next(-300, 300))),
            .. Enumerable.Range(0, 3000).Select(_ => (double)(float)TestChains.Normal(random)),
            .. Enumerable.Range(0, 3000).Select(_ => (double)random.Next(-5, 5)),
        ];

        (double[] sorted, int[] order) = RadixOrder.Of(values);

        Assert.Equal(values.Order(), sorted);
        Assert.Equal(sorted, order.Select(index => values[index]));
        Assert.Equal(Enumerable.Range(0, values.Length), order.Order());
    }

    [Fact]
    public void Of_NoneOneOrEqualNumbers_KeepsTheirOrder()
    {
        Assert.Empty(RadixOrder.Of([]).Order);
        Assert.Equal([0], RadixOrder.Of([3.0]).Order);
        Assert.Equal([0, 1, 2], RadixOrder.Of([3.0, 3, 3]).Order);
    }
}
