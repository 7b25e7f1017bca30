using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Draws a function of the plane: dark = low, with contour lines at equal spacing.</summary>
public static class HeatMap
{
    private const int Scale = 2;
    private const int Levels = 12;

    // Viridis at five places: even in lightness, and told apart without colour vision.
    private static readonly SKColor[] Colors =
        [new(68, 1, 84), new(59, 82, 139), new(33, 145, 140), new(94, 201, 98), new(253, 231, 37)];

    /// <param name="title">ASCII.</param>
    /// <param name="range">The ends of both axes.</param>
    /// <param name="values">side x side values, the top row first.</param>
    /// <param name="side">Cells along each axis.</param>
    /// <returns>PNG bytes.</returns>
    public static byte[] Render(string title, (double Min, double Max) range, float[] values, int side)
    {
        int size = side * Scale;
        var axes = new PlotAxes(new PlotRange(range.Min, range.Max), new PlotRange(range.Min, range.Max), new SKRect(56, 44, 56 + size, 44 + size));
        var info = new SKImageInfo(size + 56 + 90, size + 44 + 40, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using SKSurface surface = SKSurface.Create(info);
        SKCanvas canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        axes.Draw(canvas);
        (float low, float high) = Ends(values);
        using var paint = new SKPaint();
        for (int i = 0; i < values.Length; i++)
        {
            paint.Color = IsContour(values, side, i, low, high) ? SKColors.White.WithAlpha(150) : Color((values[i] - low) / (high - low));
            canvas.DrawRect(axes.Frame.Left + i % side * Scale, axes.Frame.Top + i / side * Scale, Scale, Scale, paint);
        }
        DrawTexts(canvas, title, axes.Frame, low, high);
        using SKImage image = surface.Snapshot();
        return image.ToPng();
    }

    /// <summary>From the lowest value to the one that 95 % lie below: a few extremes must not flatten the rest.</summary>
    private static (float Low, float High) Ends(float[] values)
    {
        float[] sorted = [.. values.Where(float.IsFinite).Order()];
        if (sorted.Length == 0)
            return (0, 1);
        float high = sorted[(int)(0.95 * (sorted.Length - 1))];
        return sorted[0] < high ? (sorted[0], high) : (sorted[0], sorted[0] + 1);
    }

    private static bool IsContour(float[] values, int side, int i, float low, float high)
    {
        int Level(int index) => (int)Math.Floor(Math.Clamp((values[index] - low) / (high - low), -1, 1.0001) * Levels);
        bool right = i % side + 1 < side && Level(i) != Level(i + 1);
        bool below = i + side < values.Length && Level(i) != Level(i + side);
        return right || below;
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

    private static void DrawTexts(SKCanvas canvas, string title, SKRect frame, float low, float high)
    {
        using var ink = new SKPaint { Color = PlotColors.Ink };
        using var paint = new SKPaint();
        PixelFont.Draw(canvas, title, frame.MidX - PixelFont.Measure(title, 2) / 2, 8, 2, ink);
        for (int y = 0; y < 200; y++)
        {
            paint.Color = Color(1 - y / 199f);
            canvas.DrawRect(frame.Right + 12, frame.Top + y, 14, 1, paint);
        }
        PixelFont.Draw(canvas, high.ToString("0.##", System.Globalization.CultureInfo.InvariantCulture), frame.Right + 32, frame.Top, 1, ink);
        PixelFont.Draw(canvas, low.ToString("0.##", System.Globalization.CultureInfo.InvariantCulture), frame.Right + 32, frame.Top + 192, 1, ink);
    }
}
