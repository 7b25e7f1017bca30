using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Draws line plots as PNG, for training curves, chains and reports. Thread-safe.</summary>
public static class PlotRenderer
{
    private const int TextScale = 1;

    /// <exception cref="ArgumentException">A series has another number of positions than values, or the picture is too small.</exception>
    public static byte[] Render(LinePlot plot) => RenderStack([plot]);

    /// <summary>Draws plots of one width below one another.</summary>
    /// <exception cref="ArgumentException">As <see cref="Render"/>; also without any plot, or with widths that differ.</exception>
    public static byte[] RenderStack(IReadOnlyList<LinePlot> plots)
    {
        if (plots.Count == 0 || plots.Any(plot => plot.Width != plots[0].Width))
            throw new ArgumentException("a stack has plots of one width", nameof(plots));
        foreach (LinePlot plot in plots)
            Check(plot);

        var info = new SKImageInfo(plots[0].Width, plots.Sum(plot => plot.Height), SKColorType.Rgba8888, SKAlphaType.Opaque);
        using SKSurface surface = SKSurface.Create(info);
        surface.Canvas.Clear(SKColors.White);
        foreach (LinePlot plot in plots)
        {
            Draw(surface.Canvas, plot);
            surface.Canvas.Translate(0, plot.Height);
        }
        using SKImage image = surface.Snapshot();
        return image.ToPng();
    }

    private static void Check(LinePlot plot)
    {
        if (plot.Width is < 200 or > 8192 || plot.Height is < 160 or > 8192)
            throw new ArgumentException("a plot has 200 to 8192 by 160 to 8192 pixels", nameof(plot));
        if (plot.Series.FirstOrDefault(series => series.X.Count != series.Y.Count) is { } uneven)
            throw new ArgumentException($"series '{uneven.Name}' has {uneven.X.Count} positions and {uneven.Y.Count} values", nameof(plot));
        if (plot.Bands.FirstOrDefault(band => band.X.Count != band.Low.Count || band.X.Count != band.High.Count) is { } ragged)
            throw new ArgumentException($"band '{ragged.Name}' has other numbers of positions and values", nameof(plot));
    }

    private static void Draw(SKCanvas canvas, LinePlot plot)
    {
        PlotAxes axes = Axes(plot);
        axes.Draw(canvas);
        DrawTexts(canvas, plot, axes);
        canvas.Save();
        canvas.ClipRect(axes.Frame);
        foreach (PlotBand band in plot.Bands)
            PlotCurves.Fill(canvas, band, axes);
        for (int i = 0; i < plot.Series.Count; i++)
            PlotCurves.Draw(canvas, plot.Series[i], axes, PlotColors.Series(plot.Series[i].Color ?? i));
        canvas.Restore();
        PlotLegend.Draw(canvas, plot, axes);
    }

    private static PlotAxes Axes(LinePlot plot)
    {
        PlotRange x = PlotRange.Of(plot.Series.SelectMany(series => series.X));
        IEnumerable<double> values = plot.YRange is { } range
            ? [range.Min, range.Max]
            : plot.Series.SelectMany(series => series.Y).Concat(plot.Bands.SelectMany(band => band.Low.Concat(band.High)));
        if (plot.LogY)
            values = values.Where(value => value > 0).Select(Math.Log10);
        PlotRange y = PlotRange.Of(values);
        return new PlotAxes(x, plot.YRange is null ? y.Pad(0.05) : y, new SKRect(72, 44, plot.Width - 20, plot.Height - 44)) { LogY = plot.LogY };
    }

    private static void DrawTexts(SKCanvas canvas, LinePlot plot, PlotAxes axes)
    {
        using var ink = new SKPaint { Color = PlotColors.Ink };
        PixelFont.Draw(canvas, plot.Title, (plot.Width - PixelFont.Measure(plot.Title, 2)) / 2, 8, 2, ink);
        PixelFont.Draw(canvas, plot.YLabel, 8, axes.Frame.Top - 14, TextScale, ink);
        float labelWidth = PixelFont.Measure(plot.XLabel, TextScale);
        PixelFont.Draw(canvas, plot.XLabel, axes.Frame.MidX - labelWidth / 2, axes.Frame.Bottom + 26, TextScale, ink);
    }
}
