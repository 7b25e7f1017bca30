using EbmService.Core.Tensors;
using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Points and paths over a heat map of the plane; what lies outside is cut off.</summary>
/// <param name="Points">(n, 2).</param>
/// <param name="Paths">(draws, chains, 2); null for none.</param>
/// <param name="Chains">How many of the chains' paths are drawn, the first ones.</param>
public sealed record HeatMapOverlay(TensorPayload Points, TensorPayload? Paths = null, int Chains = 3)
{
    // Bright on viridis, and apart from one another in lightness.
    private static readonly SKColor[] Colors = [new(255, 150, 0), new(255, 90, 160), new(120, 230, 255)];

    // More of a path than this is a scribble.
    private const int MaxDraws = 120;

    internal string Caption => $"dots: {Points.Rows} final states" + (Paths is null ? "" : $"; lines: {Math.Min(Chains, Paths.Shape[1])} chains, their last {Math.Min(MaxDraws, Paths.Shape[0])} kept states");

    internal void Draw(SKCanvas canvas, PlotAxes axes)
    {
        canvas.Save();
        canvas.ClipRect(axes.Frame);
        for (int chain = 0; Paths is not null && chain < Math.Min(Chains, Paths.Shape[1]); chain++)
            DrawPath(canvas, axes, chain);
        DrawPoints(canvas, axes);
        canvas.Restore();
    }

    private void DrawPoints(SKCanvas canvas, PlotAxes axes)
    {
        byte alpha = (byte)Math.Clamp(255 * 40 / Math.Sqrt(Math.Max(1, Points.Rows)) / 4, 90, 230);
        using var dot = new SKPaint { Color = SKColors.White.WithAlpha(alpha), IsAntialias = true };
        using var edge = new SKPaint { Color = new SKColor(20, 0, 40).WithAlpha(alpha), IsStroke = true, StrokeWidth = 0.8f, IsAntialias = true };
        for (int i = 0; i < Points.Rows; i++)
        {
            if (!axes.CanShow(Points.Row(i)[0], Points.Row(i)[1]))
                continue;
            SKPoint at = axes.ToPixel(Points.Row(i)[0], Points.Row(i)[1]);
            canvas.DrawCircle(at, 2.6f, dot);
            canvas.DrawCircle(at, 2.6f, edge);
        }
    }

    private void DrawPath(SKCanvas canvas, PlotAxes axes, int chain)
    {
        int draws = Paths!.Shape[0], chains = Paths.Shape[1];
        using var builder = new SKPathBuilder();
        int first = Math.Max(0, draws - MaxDraws);
        for (int draw = first; draw < draws; draw++)
        {
            int at = 2 * (draw * chains + chain);
            SKPoint point = axes.ToPixel(Paths.Values[at], Paths.Values[at + 1]);
            if (draw == first)
                builder.MoveTo(point);
            else
                builder.LineTo(point);
        }
        using var line = new SKPaint { Color = Colors[chain % Colors.Length].WithAlpha(190), StrokeWidth = 1, IsStroke = true, IsAntialias = true };
        using SKPath path = builder.Detach();
        canvas.DrawPath(path, line);
    }
}
