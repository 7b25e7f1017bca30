using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Names the curves in the corner of the frame that hides least of them.</summary>
internal static class PlotLegend
{
    private const int TextScale = 1;
    private const int LineHeight = 14;
    private const int Margin = 8;

    private sealed record Line(string Name, SKColor Color, PlotStroke? Stroke);

    internal static void Draw(SKCanvas canvas, LinePlot plot, PlotAxes axes)
    {
        Line[] lines =
        [
            .. plot.Series.Select((series, i) => new Line(series.Name, PlotColors.Series(series.Color ?? i), series.Stroke)),
            .. plot.Bands.Select(band => new Line(band.Name, PlotColors.Series(band.Color), null)),
        ];
        lines = [.. lines.Where(line => line.Name.Length > 0)];
        if (lines.Length == 0)
            return;
        var size = new SKSize(lines.Max(line => PixelFont.Measure(line.Name, TextScale)) + 44, LineHeight * lines.Length + 6);
        SKRect box = Corners(axes.Frame, size).MinBy(corner => Hidden(corner, plot, axes));
        using var ground = new SKPaint { Color = SKColors.White.WithAlpha(220) };
        using var ink = new SKPaint { Color = PlotColors.Ink };
        canvas.DrawRect(box, ground);
        for (int i = 0; i < lines.Length; i++)
        {
            float y = box.Top + 10 + LineHeight * i;
            PlotCurves.DrawSample(canvas, new SKPoint(box.Left + 6, y), lines[i].Color, lines[i].Stroke);
            PixelFont.Draw(canvas, lines[i].Name, box.Left + 34, y - 4, TextScale, ink);
        }
    }

    private static SKRect[] Corners(SKRect frame, SKSize size)
    {
        float left = frame.Left + Margin, right = frame.Right - Margin - size.Width, top = frame.Top + Margin, bottom = frame.Bottom - Margin - size.Height;
        return
        [
            SKRect.Create(right, top, size.Width, size.Height), SKRect.Create(right, bottom, size.Width, size.Height),
            SKRect.Create(left, top, size.Width, size.Height), SKRect.Create(left, bottom, size.Width, size.Height),
        ];
    }

    private static int Hidden(SKRect corner, LinePlot plot, PlotAxes axes)
    {
        int Count(IReadOnlyList<double> x, IReadOnlyList<double> y) =>
            Enumerable.Range(0, x.Count).Count(i => axes.CanShow(x[i], y[i]) && corner.Contains(axes.ToPixel(x[i], y[i])));
        return plot.Series.Sum(series => Count(series.X, series.Y)) + plot.Bands.Sum(band => Count(band.X, band.Low) + Count(band.X, band.High));
    }
}
