using EbmService.Core.Sampling;
using EbmService.Cli.Tuning;

namespace EbmService.Cli.Tests.Tuning;

public sealed class TuningReportTests
{
    [Fact]
    public void Best_ClearWinner_IsTheFastestMedian()
    {
        TuningReport sut = Report(new(8, 2, [100, 300, 110]), new(16, 2, [200, 190, 10]), new(32, 2, [120, 130, 125]));

        Assert.Equal((16, 2), (sut.Best.BlockSize, sut.Best.Slots));
    }

    [Fact]
    public void Best_WithinTheTolerance_IsTheSmallestBlockThenTheFewestSlots()
    {
        TuningReport sut = Report(new(8, 1, [96]), new(16, 2, [99]), new(16, 1, [98]), new(32, 2, [100]));

        Assert.Equal((16, 1), (sut.Best.BlockSize, sut.Best.Slots));
    }

    [Theory]
    [InlineData(new double[] { 3, 1, 2 }, 2)]
    [InlineData(new double[] { 4, 1, 2, 3 }, 2.5)]
    public void Median_AnyOrder_IsTheMiddle(double[] rates, double expected) => Assert.Equal(expected, new TuningPoint(8, 1, rates).Median);

    private static TuningReport Report(params TuningPoint[] points) => new("cpu", SamplingPrecision.Float32, points);
}
