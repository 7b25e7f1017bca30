using System.Globalization;
using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>An interval of one axis.</summary>
internal readonly record struct PlotRange(double Min, double Max)
{
    internal bool Contains(double value) => value >= Min && value <= Max;

    /// <summary>The hull of the finite values, widened where they are all equal.</summary>
    internal static PlotRange Of(IEnumerable<double> values)
    {
        (double min, double max) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (double value in values.Where(double.IsFinite))
            (min, max) = (Math.Min(min, value), Math.Max(max, value));
        if (min > max)
            return new PlotRange(0, 1);
        return min < max ? new PlotRange(min, max) : new PlotRange(min - Math.Max(1, Math.Abs(min)) / 2, max + Math.Max(1, Math.Abs(max)) / 2);
    }

    internal PlotRange Pad(double share) => new(Min - (Max - Min) * share, Max + (Max - Min) * share);

    /// <summary>Of decadic logarithms: those of 1, 2 and 5 times powers of ten, or of the powers alone where there are many.</summary>
    internal IReadOnlyList<double> LogTicks()
    {
        int first = (int)Math.Floor(Min), last = (int)Math.Ceiling(Max);
        if (last - first > 12)
            return Ticks();
        double[] within = Max - Min > 3 ? [1] : [1, 2, 5];
        PlotRange range = this;
        return [.. Enumerable.Range(first, last - first + 1).SelectMany(power => within.Select(one => power + Math.Log10(one))).Where(tick => range.Contains(tick))];
    }

    /// <summary>About five round positions: multiples of 1, 2 or 5 times a power of ten.</summary>
    internal IReadOnlyList<double> Ticks()
    {
        double raw = (Max - Min) / 5;
        double magnitude = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = (raw / magnitude) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 } * magnitude;
        if (!double.IsFinite(step) || step <= 0)
            return [];
        double first = Math.Ceiling(Min / step);
        double end = Max + step * 1e-9;
        return [.. Enumerable.Range(0, 12).Select(i => (first + i) * step).Where(tick => tick <= end)];
    }
}

/// <summary>A frame with ticks, grid lines and numbers, and the mapping from values to pixels.</summary>
internal sealed record PlotAxes(PlotRange X, PlotRange Y, SKRect Frame)
{
    private const int TextScale = 1;

    /// <value>Whether y's range is of decadic logarithms; positions are still asked for by value.</value>
    internal bool LogY { get; init; }

    internal bool CanShow(double x, double y) => double.IsFinite(x) && double.IsFinite(y) && (!LogY || y > 0);

    internal SKPoint ToPixel(double x, double y) => ToFrame(x, LogY ? Math.Log10(y) : y);

    private SKPoint ToFrame(double x, double y) => new(
        (float)(Frame.Left + (x - X.Min) / (X.Max - X.Min) * Frame.Width),
        (float)(Frame.Bottom - (y - Y.Min) / (Y.Max - Y.Min) * Frame.Height));

    internal void Draw(SKCanvas canvas)
    {
        using var grid = new SKPaint { Color = PlotColors.Grid, StrokeWidth = 1 };
        using var ink = new SKPaint { Color = PlotColors.Ink, StrokeWidth = 1, IsStroke = true };
        using var text = new SKPaint { Color = PlotColors.Ink };
        foreach (double tick in X.Ticks())
        {
            float x = MathF.Round(ToFrame(tick, Y.Min).X) + 0.5f;
            canvas.DrawLine(x, Frame.Top, x, Frame.Bottom, grid);
            string label = Format(tick);
            PixelFont.Draw(canvas, label, x - PixelFont.Measure(label, TextScale) / 2, Frame.Bottom + 8, TextScale, text);
        }
        foreach (double tick in LogY ? Y.LogTicks() : Y.Ticks())
        {
            float y = MathF.Round(ToFrame(X.Min, tick).Y) + 0.5f;
            canvas.DrawLine(Frame.Left, y, Frame.Right, y, grid);
            string label = Format(LogY ? Math.Pow(10, tick) : tick);
            PixelFont.Draw(canvas, label, Frame.Left - 8 - PixelFont.Measure(label, TextScale), y - 4, TextScale, text);
        }
        canvas.DrawRect(Frame.Left + 0.5f, Frame.Top + 0.5f, Frame.Width - 1, Frame.Height - 1, ink);
    }

    private static string Format(double tick)
    {
        bool plain = tick == 0 || Math.Abs(tick) is >= 1e-3 and < 1e6;
        return tick.ToString(plain ? "0.####" : "0.##e0", CultureInfo.InvariantCulture);
    }
}

/// <summary>Colours that differ in lightness too, so that they are told apart without colour vision (Okabe and Ito 2008).</summary>
internal static class PlotColors
{
    private static readonly SKColor[] Palette =
        [new(0, 114, 178), new(213, 94, 0), new(0, 158, 115), new(204, 121, 167), new(230, 159, 0), new(86, 180, 233), new(0, 0, 0)];

    internal static readonly SKColor Ink = new(60, 60, 60);
    internal static readonly SKColor Grid = new(228, 228, 228);

    internal static SKColor Series(int index) => Palette[index % Palette.Length];
}
