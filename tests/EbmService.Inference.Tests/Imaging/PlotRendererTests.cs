using EbmService.Core.Tensors;
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
    public void RenderStack_BandsDashesAndLogarithms_AreDrawnBelowOneAnother()
    {
        double[] x = [0, 1, 2, 3], y = [1, 10, 100, 1000];
        var top = new LinePlot("t", "x", "y", [new PlotSeries("", x, y) { Color = 2 }]) { Bands = [new PlotBand("band", x, [0, 5, 50, 500], [2, 20, 200, 2000], 5)], Height = 300 };
        var bottom = new LinePlot("", "x", "log", [new PlotSeries("s", x, [-1, 10, 100, 1000]), new PlotSeries("limit", [0, 3], [100, 100]) { Stroke = PlotStroke.Dashed, Color = 1 }])
        {
            LogY = true, Height = 200,
        };

        using SKBitmap picture = TestPng.Decode(PlotRenderer.RenderStack([top, bottom]));

        Assert.Equal((800, 500), (picture.Width, picture.Height));
        Assert.Contains(PlotColors.Series(2), picture.Pixels.Take(800 * 300));
        Assert.DoesNotContain(PlotColors.Series(2), picture.Pixels.Skip(800 * 300));
        // A thin dash falls between two rows of pixels.
        Assert.Contains(picture.Pixels.Skip(800 * 300), pixel => pixel.Red > pixel.Blue + 60);
    }

    [Fact]
    public void RenderStack_OfDifferentWidthsOrNone_Throws()
    {
        var plot = new LinePlot("t", "x", "y", []);

        Assert.Throws<ArgumentException>(() => PlotRenderer.RenderStack([plot, plot with { Width = 400 }]));
        Assert.Throws<ArgumentException>(() => PlotRenderer.RenderStack([]));
    }

    [Fact]
    public void Render_UnevenBand_Throws() => Assert.Throws<ArgumentException>(
        () => PlotRenderer.Render(new LinePlot("t", "x", "y", []) { Bands = [new PlotBand("b", [1, 2], [1], [1, 2], 0)] }));

    [Fact]
    public void HeatMap_WithOverlay_ShowsPointsWithinTheRange()
    {
        var overlay = new HeatMapOverlay(new TensorPayload([2, 2], [0, 0, 9, 9]), new TensorPayload([3, 1, 2], [0, 0, 0.5f, 0.5f, -0.5f, 0.5f]));
        byte[] plain = HeatMap.Render("e", (-1, 1), new float[16 * 16], 16), drawn = HeatMap.Render("e", (-1, 1), new float[16 * 16], 16, (-1, 1), overlay);

        using SKBitmap before = TestPng.Decode(plain), after = TestPng.Decode(drawn);

        SKPointI[] changed = [.. Enumerable.Range(44, 32).SelectMany(y => Enumerable.Range(56, 32).Select(x => new SKPointI(x, y))).Where(at => before.GetPixel(at.X, at.Y) != after.GetPixel(at.X, at.Y))];
        Assert.Contains(new SKPointI(72, 60), changed);
        Assert.DoesNotContain(changed, at => at.X > 84 && at.Y < 48);
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
