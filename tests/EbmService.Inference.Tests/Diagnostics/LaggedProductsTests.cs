using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class LaggedProductsTests
{
    // 0 and 1: below and above the shortest transform; 9 and 17 columns leave lanes empty; odd and even rows.
    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(64, 8)]
    [InlineData(65, 9)]
    [InlineData(100, 17)]
    public void Autocovariances_AnyShape_EqualSumsOverEveryLag(int rows, int columns)
    {
        double[] values = TestChains.Autoregressive(rows, columns, 0.5, seed: 21);

        double[] actual = PowerSpectrum.Autocovariances(values, columns);

        Assert.Equal(rows, actual.Length);
        for (int lag = 0; lag < rows; lag++)
            Assert.Equal(Sum(values, lag * columns), actual[lag], 1e-11 * values.Length);
    }

    [Fact]
    public void Lag_FewOrMany_EqualsTheMeanOfProducts()
    {
        double[] values = TestChains.Autoregressive(101, 5, 0.5, seed: 22);
        int[] lags = [0, 1, LaggedProducts.DirectLags - 1, LaggedProducts.DirectLags, 99, 2];
        var sut = new LaggedProducts(values, 5);

        foreach (int lag in lags)
            Assert.Equal(Sum(values, lag * 5) / values.Length, sut[lag], 1e-12);
    }

    private static double Sum(double[] values, int shift) =>
        Enumerable.Range(0, values.Length - shift).Sum(i => values[i] * values[i + shift]);
}
