using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Draws line plots as PNG, for training curves and reports. Thread-safe.</summary>
public static class PlotRenderer
{
    private const int TextScale = 1;

    /// <exception cref="ArgumentException">A series has another number of positions than values, or the picture is too small.</exception>
    public static byte[] Render(LinePlot plot)
    {
        if (plot.Width is < 200 or > 8192 || plot.Height is < 160 or > 8192)
            throw new ArgumentException("a plot has 200 to 8192 by 160 to 8192 pixels", nameof(plot));
        if (plot.Series.FirstOrDefault(series => series.X.Count != series.Y.Count) is { } uneven)
            throw new ArgumentException($"series '{uneven.Name}' has {uneven.X.Count} positions and {uneven.Y.Count} values", nameof(plot));

        using SKSurface surface = SKSurface.Create(new SKImageInfo(plot.Width, plot.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        SKCanvas canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        PlotAxes axes = Axes(plot);
        axes.Draw(canvas);
        DrawTexts(canvas, plot, axes);
        canvas.Save();
        canvas.ClipRect(axes.Frame);
        for (int i = 0; i < plot.Series.Count; i++)
            DrawCurve(canvas, plot.Series[i], axes, i);
        canvas.Restore();
        DrawLegend(canvas, plot, axes);
        using SKImage image = surface.Snapshot();
        return image.ToPng();
    }

    private static PlotAxes Axes(LinePlot plot)
    {
        PlotRange x = PlotRange.Of(plot.Series.SelectMany(series => series.X));
        PlotRange y = plot.YRange is { } range
            ? PlotRange.Of([range.Min, range.Max])
            : PlotRange.Of(plot.Series.SelectMany(series => series.Y)).Pad(0.05);
        return new PlotAxes(x, y, new SKRect(72, 44, plot.Width - 20, plot.Height - 44));
    }

    private static void DrawTexts(SKCanvas canvas, LinePlot plot, PlotAxes axes)
    {
        using var ink = new SKPaint { Color = PlotColors.Ink };
        PixelFont.Draw(canvas, plot.Title, (plot.Width - PixelFont.Measure(plot.Title, 2)) / 2, 8, 2, ink);
        PixelFont.Draw(canvas, plot.YLabel, 8, axes.Frame.Top - 14, TextScale, ink);
        float labelWidth = PixelFont.Measure(plot.XLabel, TextScale);
        PixelFont.Draw(canvas, plot.XLabel, axes.Frame.MidX - labelWidth / 2, axes.Frame.Bottom + 26, TextScale, ink);
    }

    private static void DrawCurve(SKCanvas canvas, PlotSeries series, PlotAxes axes, int index)
    {
        using var paint = new SKPaint { Color = PlotColors.Series(index), StrokeWidth = 1.6f, IsAntialias = true };
        SKPoint? last = null;
        for (int i = 0; i < series.X.Count; i++)
        {
            SKPoint? point = double.IsFinite(series.X[i]) && double.IsFinite(series.Y[i]) ? axes.ToPixel(series.X[i], series.Y[i]) : null;
            if (point is { } to && last is { } from)
                canvas.DrawLine(from, to, paint);
            last = point;
        }
    }

    private static void DrawLegend(SKCanvas canvas, LinePlot plot, PlotAxes axes)
    {
        if (plot.Series.Count == 0)
            return;
        float width = plot.Series.Max(series => PixelFont.Measure(series.Name, TextScale)) + 44;
        float left = axes.Frame.Right - width - 8;
        float top = axes.Frame.Top + 8;
        using var ground = new SKPaint { Color = SKColors.White.WithAlpha(220) };
        using var ink = new SKPaint { Color = PlotColors.Ink };
        canvas.DrawRect(left, top, width, 14 * plot.Series.Count + 6, ground);
        for (int i = 0; i < plot.Series.Count; i++)
        {
            float y = top + 10 + 14 * i;
            using var line = new SKPaint { Color = PlotColors.Series(i), StrokeWidth = 2 };
            canvas.DrawLine(left + 6, y, left + 28, y, line);
            PixelFont.Draw(canvas, plot.Series[i].Name, left + 34, y - 4, TextScale, ink);
        }
    }
}
