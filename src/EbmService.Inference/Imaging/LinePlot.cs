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
