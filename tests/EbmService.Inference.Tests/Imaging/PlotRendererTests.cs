using EbmService.Inference.Imaging;
using SkiaSharp;

namespace EbmService.Inference.Tests.Imaging;

public sealed class PlotRendererTests
{
    // The first three of Okabe and Ito's colours.
    private static readonly SKColor[] Palette = [new(0, 114, 178), new(213, 94, 0), new(0, 158, 115)];

    private static readonly LinePlot Curves = new("Training", "iteration", "energy",
    [
        new PlotSeries("data", [.. Numbers(200)], [.. Numbers(200).Select(v => Math.Sin(v / 20))]),
        new PlotSeries("samples", [.. Numbers(200)], [.. Numbers(200).Select(v => v == 50 ? double.NaN : Math.Cos(v / 20))]),
    ]) { Subtitle = "mean ± 1 standard deviation" };

    [Fact]
    public void Render_TwoSeries_DrawsBothInTheirColours()
    {
        using SKBitmap picture = TestPng.Decode(PlotRenderer.Render(Curves));

        Assert.Equal((800, 480), (picture.Width, picture.Height));
        HashSet<SKColor> colours = [.. picture.Pixels];
        Assert.Contains(Palette[0], colours);
        Assert.Contains(Palette[1], colours);
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

        Assert.Equal((800, 480), (picture.Width, picture.Height));
        Assert.Contains(SKColors.Black, picture.Pixels);
    }

    [Fact]
    public void RenderStack_BandsDashesAndLogarithms_AreDrawnBelowOneAnother()
    {
        double[] x = [0, 1, 2, 3], y = [1, 10, 100, 1000];
        var top = new LinePlot(
            "t", "x", "y", [new PlotSeries("", x, y) { Color = 2 }]) { Bands =
            [new PlotBand("band", x, [0, 5, 50, 500], [2, 20, 200, 2000], 5)], Height = 300 };
        var bottom = new LinePlot(
            "", "x", "log", [new PlotSeries("s", x, [-1, 10, 100, 1000]),
            new PlotSeries("limit", [0, 3], [100, 100]) { Stroke = PlotStroke.Dashed, Color = 1 }])
        {
            LogY = true, Height = 200,
        };

        using SKBitmap picture = TestPng.Decode(PlotRenderer.RenderStack([top, bottom]));

        Assert.Equal((800, 500), (picture.Width, picture.Height));
        Assert.Contains(Palette[2], picture.Pixels.Take(800 * 300));
        Assert.DoesNotContain(Palette[2], picture.Pixels.Skip(800 * 300));
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
    public void Render_UnevenSeries_Throws() =>
        Assert.Throws<ArgumentException>(() => PlotRenderer.Render(new LinePlot("t", "x", "y", [new PlotSeries("s", [1, 2], [1])])));

    [Fact]
    public void Render_SamePlot_GivesTheSameBytesOnEveryThread()
    {
        byte[] expected = PlotRenderer.Render(Curves);
        var pictures = new byte[8][];

        Parallel.For(0, pictures.Length, i => pictures[i] = PlotRenderer.Render(Curves));

        Assert.All(pictures, picture => Assert.Equal(expected, picture));
    }

    // The font is the program's own, with or without fonts on the system: a title that no glyph was found for would leave no ink.
    [Fact]
    public void Render_Texts_AreDrawnInTheOwnFont()
    {
        using SKBitmap titled = TestPng.Decode(PlotRenderer.Render(new LinePlot("Energies ± σ", "", "", [])));
        using SKBitmap other = TestPng.Decode(PlotRenderer.Render(new LinePlot("Energies ± T", "", "", [])));

        Assert.NotEqual(Top(titled), Top(other));
        Assert.InRange(Top(titled).Count(pixel => pixel.Red < 200), 100, 4000);

        static SKColor[] Top(SKBitmap picture) => [.. picture.Pixels.Take(800 * 30)];
    }

    private static IEnumerable<double> Numbers(int count) => Enumerable.Range(0, count).Select(i => (double)i);
}
