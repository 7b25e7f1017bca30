using EbmService.Core.Models;
using EbmService.Core.Tensors;
using ScottPlot;
using ScottPlot.Colormaps;
using ScottPlot.Plottables;
using Range = ScottPlot.Range;

namespace EbmService.Inference.Imaging;

/// <summary>A square part of the plane.</summary>
public readonly record struct PlaneSquare(double Left, double Bottom, double Size)
{
    /// <summary>The range of a model's inputs, along both axes.</summary>
    public static PlaneSquare Of(InputSchema input) => new(input.Min, input.Min, input.Max - input.Min);
}

/// <summary>Points and paths over an energy of the plane; what lies outside is cut off.</summary>
/// <param name="Points">(n, 2).</param>
/// <param name="Paths">(draws, chains, 2); null for none.</param>
/// <param name="Chains">How many of the chains' paths are drawn, the first ones.</param>
public sealed record PlaneOverlay(TensorPayload Points, TensorPayload? Paths = null, int Chains = 3);

/// <summary>Draws points and energies of the plane as PNG. The same input gives the same bytes. Thread-safe.</summary>
public static class PlanePlot
{
    private const int FrameSize = 480, PointsFrameSize = 436;

    // In nats: ten above the lowest, a density has fallen to e^-10 of its peak, and nothing is left to see. A step of colour each.
    private const int Levels = 10;

    // More of a path than this can't be followed.
    private const int MaxDraws = 120;

    // Bright on viridis, and apart from one another in lightness.
    private static readonly Color[] PathColors = [new(255, 150, 0), new(255, 90, 160), new(120, 230, 255)];

    /// <summary>Points over the square.</summary>
    /// <param name="points">(n, 2); points outside the square are left out.</param>
    public static byte[] RenderPoints(TensorPayload points, PlaneSquare square)
    {
        using Plot plot = PlotRenderer.Create("", "", "x0", "x1");
        // Many points are drawn lighter, so that density shows.
        double opacity = Math.Clamp(10 / Math.Sqrt(Math.Max(1, points.Rows)), 0.25, 0.8);
        AddPoints(plot, points, square, PlotRenderer.Series(0).WithOpacity(opacity), 4.4f);
        plot.Axes.SetLimits(square.Left, square.Left + square.Size, square.Bottom, square.Bottom + square.Size);
        plot.Layout.Fixed(new PixelPadding(60, 16, 52, 24));
        return plot.GetImageBytes(PointsFrameSize + 76, PointsFrameSize + 76, ImageFormat.Png);
    }

    /// <summary>An energy over the square: dark = low, a step of colour per unit, from the lowest value to ten units above it.</summary>
    /// <param name="title">Over the picture.</param>
    /// <param name="square">What is shown.</param>
    /// <param name="energies">side x side values, the top row first.</param>
    /// <param name="side">Cells along each axis.</param>
    /// <param name="overlay">What is drawn over it.</param>
    public static byte[] RenderEnergy(string title, PlaneSquare square, float[] energies, int side, PlaneOverlay? overlay = null)
    {
        float low = energies.Where(float.IsFinite).DefaultIfEmpty(0).Min();
        var values = new double[side, side];
        for (int i = 0; i < energies.Length; i++)
            values[i / side, i % side] = float.IsFinite(energies[i]) ? energies[i] : low + Levels;
        using Plot plot = PlotRenderer.Create(title, Caption(overlay), "x0", "x1");
        Heatmap map = plot.Add.Heatmap(values);
        map.Position = new CoordinateRect(square.Left, square.Left + square.Size, square.Bottom, square.Bottom + square.Size);
        (map.Colormap, map.ManualRange) = (new SteppedViridis(), new Range(low, low + Levels));
        plot.Add.ColorBar(map);
        if (overlay is not null)
            Add(plot, overlay, square);
        plot.Axes.SetLimits(square.Left, square.Left + square.Size, square.Bottom, square.Bottom + square.Size);
        plot.Layout.Fixed(new PixelPadding(60, 84, 48, 56));
        return plot.GetImageBytes(FrameSize + 144, FrameSize + 104, ImageFormat.Png);
    }

    private static string Caption(PlaneOverlay? overlay) => (overlay, overlay?.Paths) switch
    {
        (null, _) => "colour: energy",
        (_, null) => $"colour: energy; dots: {overlay.Points.Rows} final states",
        var (_, paths) => $"colour: energy; dots: {overlay.Points.Rows} final states; "
            + $"lines: {Math.Min(overlay.Chains, paths.Shape[1])} chains, their last {Math.Min(MaxDraws, paths.Shape[0])} kept states",
    };

    private static void Add(Plot plot, PlaneOverlay overlay, PlaneSquare square)
    {
        if (overlay.Paths is { } paths)
        {
            (int draws, int chains) = (paths.Shape[0], paths.Shape[1]);
            for (int chain = 0; chain < Math.Min(overlay.Chains, chains); chain++)
            {
                Coordinates[] path = [.. Enumerable.Range(Math.Max(0, draws - MaxDraws), Math.Min(MaxDraws, draws))
                    .Select(draw => 2 * (draw * chains + chain)).Select(at => new Coordinates(paths.Values[at], paths.Values[at + 1]))];
                plot.Add.ScatterLine(path, PathColors[chain % PathColors.Length].WithOpacity(0.75)).LineWidth = 1;
            }
        }
        double opacity = Math.Clamp(10 / Math.Sqrt(Math.Max(1, overlay.Points.Rows)), 0.35, 0.9);
        AddPoints(plot, overlay.Points, square, Colors.Black.WithOpacity(opacity), 6.4f);
        AddPoints(plot, overlay.Points, square, Colors.White.WithOpacity(opacity), 4.8f);
    }

    private static void AddPoints(Plot plot, TensorPayload points, PlaneSquare square, Color color, float size)
    {
        bool Within(double x, double y) =>
            x >= square.Left && x <= square.Left + square.Size && y >= square.Bottom && y <= square.Bottom + square.Size;
        Coordinates[] shown = [.. Enumerable.Range(0, points.Rows)
            .Select(i => new Coordinates(points.Row(i)[0], points.Row(i)[1])).Where(at => Within(at.X, at.Y))];
        if (shown.Length > 0)
            plot.Add.Markers(shown, MarkerShape.FilledCircle, size, color);
    }

    /// <summary>Viridis, even in lightness, in one step per unit.</summary>
    private sealed class SteppedViridis : IColormap
    {
        private readonly Viridis _smooth = new();

        public string Name => "Viridis in steps";

        public Color GetColor(double position) =>
            _smooth.GetColor(Math.Floor(Math.Clamp(position, 0, 1 - 1e-9) * Levels) / (Levels - 1));
    }
}
