using System.Globalization;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>How a curve is drawn.</summary>
public enum PlotStroke
{
    Solid,

    /// <summary>Thin and pale: one of many.</summary>
    Faint,

    /// <summary>A reference, such as a threshold.</summary>
    Dashed,
}

/// <summary>One curve; points that are not finite interrupt it.</summary>
/// <param name="Name">Its line in the legend; empty for none.</param>
/// <param name="X">Positions.</param>
/// <param name="Y">Values, as many as positions.</param>
public sealed record PlotSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    public PlotStroke Stroke { get; init; }

    /// <value>Place in the palette; null for the curve's own.</value>
    public int? Color { get; init; }
}

/// <summary>An area between two curves.</summary>
/// <param name="Color">Place in the palette.</param>
public sealed record PlotBand(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Low, IReadOnlyList<double> High, int Color);

/// <summary>A picture of curves over one pair of axes.</summary>
public sealed record LinePlot(string Title, string XLabel, string YLabel, IReadOnlyList<PlotSeries> Series)
{
    /// <value>A line under the title.</value>
    public string Subtitle { get; init; } = "";

    /// <value>Pixels; at least 200.</value>
    public int Width { get; init; } = 800;

    /// <value>Pixels; at least 160.</value>
    public int Height { get; init; } = 480;

    /// <value>The ends of the y axis; null for the hull of the values.</value>
    public (double Min, double Max)? YRange { get; init; }

    /// <value>Under the curves.</value>
    public IReadOnlyList<PlotBand> Bands { get; init; } = [];

    /// <value>Whether the y axis is logarithmic; values that are not above 0 are left out.</value>
    public bool LogY { get; init; }
}

/// <summary>Draws line plots as PNG, for training curves, chains and reports. The same plot gives the same bytes. Thread-safe.</summary>
public static class PlotRenderer
{
    private const float FontSize = 12;
    private const double BandOpacity = 0.22;
    private const double FaintOpacity = 0.35;

    // What a legend takes of a plot's width and height, about.
    private const double LegendWidth = 0.35, LegendHeight = 0.3;

    // Okabe and Ito (2008): colours that differ in lightness too, so that they are told apart without colour vision.
    private static readonly Color[] Palette =
        [new(0, 114, 178), new(213, 94, 0), new(0, 158, 115), new(204, 121, 167), new(230, 159, 0), new(86, 180, 233), new(0, 0, 0)];

    private static readonly Alignment[] Corners = [Alignment.UpperRight, Alignment.LowerRight, Alignment.UpperLeft, Alignment.LowerLeft];

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
        int top = 0;
        foreach (LinePlot plot in plots)
        {
            using Plot drawn = Draw(plot);
            drawn.RenderManager.ClearCanvasBeforeEachRender = false;
            drawn.Render(surface.Canvas, new PixelRect(0, plot.Width, top + plot.Height, top));
            top += plot.Height;
        }
        using SKImage image = surface.Snapshot();
        return image.ToPng();
    }

    internal static Color Series(int index) => Palette[index % Palette.Length];

    /// <summary>An empty plot in this house's fonts and colours.</summary>
    internal static Plot Create(string title, string subtitle, string xLabel, string yLabel)
    {
        PlotFont.Use();
        var plot = new Plot();
        plot.Font.Set(PlotFont.Name);
        plot.Axes.Title.Label.Text = string.Join('\n', ((string[])[title, subtitle]).Where(line => line.Length > 0));
        plot.Axes.Title.Label.FontSize = title.Length > 0 ? FontSize + 2 : FontSize;
        (plot.Axes.Bottom.Label.Text, plot.Axes.Left.Label.Text) = (xLabel, yLabel);
        foreach (IAxis axis in (IAxis[])[plot.Axes.Bottom, plot.Axes.Left])
        {
            (axis.Label.FontSize, axis.Label.Bold) = (FontSize, false);
            axis.TickLabelStyle.FontSize = FontSize - 1;
        }
        return plot;
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

    private static Plot Draw(LinePlot plot)
    {
        Plot drawn = Create(plot.Title, plot.Subtitle, plot.XLabel, plot.YLabel);
        foreach (PlotBand band in plot.Bands)
            Add(drawn, band, plot.LogY);
        for (int i = 0; i < plot.Series.Count; i++)
            Add(drawn, plot.Series[i], Series(plot.Series[i].Color ?? i), plot.LogY);
        SetLimits(drawn, plot);
        if (plot.LogY)
            drawn.Axes.Left.TickGenerator = LogarithmicTicks(drawn.Axes.GetLimits());
        if (plot.Series.Any(series => series.Name.Length > 0) || plot.Bands.Any(band => band.Name.Length > 0))
        {
            Legend legend = drawn.ShowLegend(FreestCorner(plot, drawn.Axes.GetLimits()));
            (legend.FontSize, legend.FontName, legend.ShadowColor) = (FontSize - 1, PlotFont.Name, Colors.Transparent);
            (legend.OutlineColor, legend.BackgroundColor) = (Colors.Gray.WithOpacity(0.4), Colors.White.WithOpacity(0.85));
        }
        return drawn;
    }

    private static void Add(Plot drawn, PlotBand band, bool log)
    {
        int[] known = [.. Enumerable.Range(0, band.X.Count)
            .Where(i => CanShow(band.X[i], band.Low[i], log) && CanShow(band.X[i], band.High[i], log))];
        if (known.Length < 2)
            return;
        FillY area = drawn.Add.FillY(
            [.. known.Select(i => band.X[i])],
            [.. known.Select(i => Height(band.Low[i], log))], [.. known.Select(i => Height(band.High[i], log))]);
        (area.FillColor, area.LineWidth, area.MarkerSize, area.LegendText) = (Series(band.Color).WithOpacity(BandOpacity), 0, 0, band.Name);
    }

    /// <summary>Values that can't be shown interrupt the curve.</summary>
    private static void Add(Plot drawn, PlotSeries series, Color color, bool log)
    {
        string name = series.Name;
        for (int first = 0; first < series.X.Count;)
        {
            int end = first;
            while (end < series.X.Count && CanShow(series.X[end], series.Y[end], log))
                end++;
            if (end > first)
            {
                Coordinates[] run =
                    [.. Enumerable.Range(first, end - first).Select(i => new Coordinates(series.X[i], Height(series.Y[i], log)))];
                Scatter line = drawn.Add.ScatterLine(run, series.Stroke == PlotStroke.Faint ? color.WithOpacity(FaintOpacity) : color);
                (line.LineWidth, line.LegendText) = (series.Stroke == PlotStroke.Solid ? 1.8f : 1, name);
                line.LinePattern = series.Stroke == PlotStroke.Dashed ? LinePattern.Dashed : LinePattern.Solid;
                name = "";
            }
            first = end + 1;
        }
    }

    private static void SetLimits(Plot drawn, LinePlot plot)
    {
        (double left, double right) = Hull(plot.Series.SelectMany(series => series.X));
        IEnumerable<double> values = plot.YRange is { } range
            ? [range.Min, range.Max]
            : plot.Series.SelectMany(series => series.Y).Concat(plot.Bands.SelectMany(band => band.Low.Concat(band.High)));
        (double bottom, double top) = Hull(plot.LogY ? values.Where(value => value > 0).Select(Math.Log10) : values);
        double pad = plot.YRange is null ? 0.05 * (top - bottom) : 0;
        drawn.Axes.SetLimits(left, right, bottom - pad, top + pad);
    }

    /// <summary>The ends of the finite values, widened where they are too close to be told apart.</summary>
    private static (double Min, double Max) Hull(IEnumerable<double> values)
    {
        (double min, double max) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (double value in values.Where(double.IsFinite))
            (min, max) = (Math.Min(min, value), Math.Max(max, value));
        if (min > max)
            return (0, 1);
        double size = Math.Max(Math.Abs(min), Math.Abs(max));
        double least = size > 0 ? 1e-9 * size : 1;
        double half = Math.Max(1, size) / 2;
        return max - min > least && max - min > 1e-300 ? (min, max) : (min - half, max + half);
    }

    /// <summary>At 1, 2 and 5 times powers of ten, or at the powers alone where there are many.</summary>
    private static NumericManual LogarithmicTicks(AxisLimits limits)
    {
        int first = (int)Math.Floor(limits.Bottom), last = (int)Math.Ceiling(limits.Top);
        int every = Math.Max(1, (last - first) / 12);
        double[] within = limits.Top - limits.Bottom > 3 ? [1] : [1, 2, 5];
        var ticks = new NumericManual();
        for (int power = first; power <= last; power += every)
        {
            foreach (double one in within)
            {
                string format = power is >= -4 and < 6 ? "0.####" : "0e0";
                ticks.AddMajor(power + Math.Log10(one), (one * Math.Pow(10, power)).ToString(format, CultureInfo.InvariantCulture));
            }
        }
        return ticks;
    }

    private static Alignment FreestCorner(LinePlot plot, AxisLimits limits)
    {
        bool Covers(Alignment corner, double x, double y)
        {
            double across = (x - limits.Left) / limits.HorizontalSpan, up = (Height(y, plot.LogY) - limits.Bottom) / limits.VerticalSpan;
            bool right = corner is Alignment.UpperRight or Alignment.LowerRight;
            bool upper = corner is Alignment.UpperRight or Alignment.UpperLeft;
            return CanShow(x, y, plot.LogY) && up is >= 0 and <= 1
                && (right ? across > 1 - LegendWidth : across < LegendWidth) && (upper ? up > 1 - LegendHeight : up < LegendHeight);
        }

        int Hidden(Alignment corner) =>
            plot.Series.Sum(series => series.X.Zip(series.Y).Count(point => Covers(corner, point.First, point.Second)))
            + plot.Bands.Sum(band => band.X.Zip(band.Low, band.High)
                .Count(at => Covers(corner, at.First, at.Second) || Covers(corner, at.First, at.Third)));

        return Corners.MinBy(Hidden);
    }

    private static bool CanShow(double x, double y, bool log) => double.IsFinite(x) && double.IsFinite(y) && (!log || y > 0);

    private static double Height(double y, bool log) => log ? Math.Log10(y) : y;
}
