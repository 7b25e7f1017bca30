using EbmService.Inference.Imaging;
using SkiaSharp;

namespace EbmService.Inference.Tests.Imaging;

public sealed class PlotRendererTests
{
    [Fact]
    public void Render_TwoSeries_DrawsBothInTheirColours()
    {
        double[] x = [.. Enumerable.Range(0, 200).Select(i => (double)i)];
        var plot = new LinePlot("Training", "iteration", "energy",
        [
            new PlotSeries("data", x, [.. x.Select(v => Math.Sin(v / 20))]),
            new PlotSeries("samples", x, [.. x.Select(v => v == 50 ? double.NaN : Math.Cos(v / 20))]),
        ]);

        using SKBitmap picture = TestPng.Decode(PlotRenderer.Render(plot));

        Assert.Equal((800, 480), (picture.Width, picture.Height));
        HashSet<SKColor> colours = [.. picture.Pixels];
        Assert.Contains(PlotColors.Series(0), colours);
        Assert.Contains(PlotColors.Series(1), colours);
    }

    [Theory]
    [InlineData(new double[0])]
    [InlineData(new[] { 5.0 })]
    [InlineData(new[] { 5.0, 5.0, 5.0 })]
    [InlineData(new[] { double.NaN, double.PositiveInfinity })]
    [InlineData(new[] { -1e300, 1e300 })]
    [InlineData(new[] { 0, 1e-300 })]
    public void Render_DegenerateValues_StillDrawsAFrame(double[] values)
    {
        var plot = new LinePlot("t", "x", "y", [new PlotSeries("s", [.. values.Select((_, i) => (double)i)], values)]);

        using SKBitmap picture = TestPng.Decode(PlotRenderer.Render(plot));

        Assert.Equal(PlotColors.Ink, picture.GetPixel(72, 300));
    }

    [Fact]
    public void Render_UnevenSeries_Throws() =>
        Assert.Throws<ArgumentException>(() => PlotRenderer.Render(new LinePlot("t", "x", "y", [new PlotSeries("s", [1, 2], [1])])));

    [Theory]
    [InlineData(0, 10, new double[] { 0, 2, 4, 6, 8, 10 })]
    [InlineData(-1, 1, new[] { -1, -0.5, 0, 0.5, 1 })]
    [InlineData(3, 503, new double[] { 100, 200, 300, 400, 500 })]
    public void Ticks_OfARange_AreRound(double min, double max, double[] expected) =>
        Assert.Equal(expected, new PlotRange(min, max).Ticks().Select(tick => Math.Round(tick, 9)));
}
