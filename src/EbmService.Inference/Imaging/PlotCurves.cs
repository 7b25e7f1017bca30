using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Draws what lies within a plot's frame.</summary>
internal static class PlotCurves
{
    private const byte BandAlpha = 56;
    private const byte FaintAlpha = 90;
    private static readonly float[] Dashes = [6, 4];

    internal static void Draw(SKCanvas canvas, PlotSeries series, PlotAxes axes, SKColor color)
    {
        using SKPaint paint = Paint(color, series.Stroke);
        using var builder = new SKPathBuilder();
        bool open = false;
        for (int i = 0; i < series.X.Count; i++)
        {
            if (!axes.CanShow(series.X[i], series.Y[i]))
            {
                open = false;
                continue;
            }
            SKPoint point = axes.ToPixel(series.X[i], series.Y[i]);
            if (open)
                builder.LineTo(point);
            else
                builder.MoveTo(point);
            open = true;
        }
        using SKPath path = builder.Detach();
        canvas.DrawPath(path, paint);
    }

    internal static void Fill(SKCanvas canvas, PlotBand band, PlotAxes axes)
    {
        int[] known = [.. Enumerable.Range(0, band.X.Count).Where(i => axes.CanShow(band.X[i], band.Low[i]) && axes.CanShow(band.X[i], band.High[i]))];
        if (known.Length < 2)
            return;
        SKPoint[] outline = [.. known.Select(i => axes.ToPixel(band.X[i], band.High[i])), .. known.Reverse().Select(i => axes.ToPixel(band.X[i], band.Low[i]))];
        using var builder = new SKPathBuilder();
        builder.AddPoly(outline);
        using var paint = new SKPaint { Color = PlotColors.Series(band.Color).WithAlpha(BandAlpha), IsAntialias = true };
        using SKPath path = builder.Detach();
        canvas.DrawPath(path, paint);
    }

    /// <summary>A stroke, or without one a patch of a band, for the legend.</summary>
    internal static void DrawSample(SKCanvas canvas, SKPoint at, SKColor color, PlotStroke? stroke)
    {
        if (stroke is null)
        {
            using var patch = new SKPaint { Color = color.WithAlpha(BandAlpha) };
            canvas.DrawRect(at.X, at.Y - 4, 22, 8, patch);
            return;
        }
        using SKPaint line = Paint(color, stroke.Value);
        canvas.DrawLine(at, new SKPoint(at.X + 22, at.Y), line);
    }

    private static SKPaint Paint(SKColor color, PlotStroke stroke) => new()
    {
        Color = stroke == PlotStroke.Faint ? color.WithAlpha(FaintAlpha) : color,
        StrokeWidth = stroke == PlotStroke.Solid ? 1.8f : 1,
        IsStroke = true,
        IsAntialias = true,
        PathEffect = stroke == PlotStroke.Dashed ? SKPathEffect.CreateDash(Dashes, 0) : null,
    };
}
