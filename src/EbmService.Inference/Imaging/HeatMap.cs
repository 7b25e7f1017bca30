using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Draws an energy over the plane: dark = low, a contour line per unit, from the lowest value to ten units above it.</summary>
public static class HeatMap
{
    private const int Scale = 2;

    // In nats: ten above the lowest, a density has fallen to e^-10 of its peak, and nothing is left to see.
    private const int Levels = 10;

    // Viridis at five places: even in lightness, and told apart without colour vision.
    private static readonly SKColor[] Colors =
        [new(68, 1, 84), new(59, 82, 139), new(33, 145, 140), new(94, 201, 98), new(253, 231, 37)];

    /// <param name="title">ASCII.</param>
    /// <param name="range">The ends of both axes.</param>
    /// <param name="values">side x side values, the top row first.</param>
    /// <param name="side">Cells along each axis.</param>
    /// <param name="vertical">The ends of the vertical axis where they differ.</param>
    /// <param name="overlay">What is drawn over it.</param>
    /// <returns>PNG bytes.</returns>
    public static byte[] Render(
        string title, (double Min, double Max) range, float[] values, int side, (double Min, double Max)? vertical = null, HeatMapOverlay? overlay = null)
    {
        (double Min, double Max) y = vertical ?? range;
        int size = side * Scale;
        var axes = new PlotAxes(new PlotRange(range.Min, range.Max), new PlotRange(y.Min, y.Max), new SKRect(56, 44, 56 + size, 44 + size));
        var info = new SKImageInfo(size + 56 + 90, size + 44 + 40, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using SKSurface surface = SKSurface.Create(info);
        SKCanvas canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        axes.Draw(canvas);
        (float low, float high) = Ends(values);
        using var paint = new SKPaint();
        for (int i = 0; i < values.Length; i++)
        {
            SKColor color = Color((values[i] - low) / (high - low));
            paint.Color = IsContour(values, side, i, low) ? Lighter(color, overlay is null ? 0.6f : 0.3f) : color;
            canvas.DrawRect(axes.Frame.Left + i % side * Scale, axes.Frame.Top + i / side * Scale, Scale, Scale, paint);
        }
        overlay?.Draw(canvas, axes);
        DrawTexts(canvas, title, overlay?.Caption ?? "", axes.Frame, low, high);
        using SKImage image = surface.Snapshot();
        return image.ToPng();
    }

    private static (float Low, float High) Ends(float[] values)
    {
        float low = values.Where(float.IsFinite).DefaultIfEmpty(0).Min();
        return (low, low + Levels);
    }

    /// <summary>Whether a level's border lies at this cell; not where the slope is so steep that lines would merge into an area.</summary>
    private static bool IsContour(float[] values, int side, int i, float low)
    {
        bool Crosses(int other) => Math.Abs(values[i] - values[other]) < 0.5f
            && values[i] < low + Levels
            && (int)MathF.Floor(values[i] - low) != (int)MathF.Floor(values[other] - low);
        return (i % side + 1 < side && Crosses(i + 1)) || (i + side < values.Length && Crosses(i + side));
    }

    private static SKColor Lighter(SKColor color, float share)
    {
        byte Mix(byte value) => (byte)(value + (255 - value) * share);
        return new SKColor(Mix(color.Red), Mix(color.Green), Mix(color.Blue));
    }

    private static SKColor Color(float share)
    {
        float place = Math.Clamp(float.IsFinite(share) ? share : 1, 0, 1) * (Colors.Length - 1);
        int from = Math.Min((int)place, Colors.Length - 2);
        float rest = place - from;
        byte Mix(byte a, byte b) => (byte)(a + (b - a) * rest);
        return new SKColor(
            Mix(Colors[from].Red, Colors[from + 1].Red), Mix(Colors[from].Green, Colors[from + 1].Green), Mix(Colors[from].Blue, Colors[from + 1].Blue));
    }

    private static void DrawTexts(SKCanvas canvas, string title, string caption, SKRect frame, float low, float high)
    {
        using var ink = new SKPaint { Color = PlotColors.Ink };
        using var paint = new SKPaint();
        PixelFont.Draw(canvas, title, Math.Max(8, frame.MidX - PixelFont.Measure(title, 2) / 2), 8, 2, ink);
        PixelFont.Draw(canvas, "x0", frame.MidX, frame.Bottom + 26, 1, ink);
        PixelFont.Draw(canvas, "x1", 8, frame.Top + 4, 1, ink);
        PixelFont.Draw(canvas, caption, frame.Left, frame.Top - 14, 1, ink);
        PixelFont.Draw(canvas, "energy", frame.Right + 12, frame.Top - 14, 1, ink);
        for (int y = 0; y < 200; y++)
        {
            paint.Color = Color(1 - y / 199f);
            canvas.DrawRect(frame.Right + 12, frame.Top + y, 14, 1, paint);
        }
        PixelFont.Draw(canvas, high.ToString("0.##", System.Globalization.CultureInfo.InvariantCulture), frame.Right + 32, frame.Top, 1, ink);
        PixelFont.Draw(canvas, low.ToString("0.##", System.Globalization.CultureInfo.InvariantCulture), frame.Right + 32, frame.Top + 192, 1, ink);
    }
}
