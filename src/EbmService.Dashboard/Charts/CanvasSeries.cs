namespace EbmService.Dashboard.Charts;

/// <summary>One series of a chart: as many places as values, which may be not finite where there is a gap.</summary>
public sealed record CanvasSeries(string Name, string Color, float[] X, float[] Y)
{
    /// <value>With High the edges of a band around the values.</value>
    public float[]? Low { get; init; }

    public float[]? High { get; init; }

    /// <value>line, points or bars.</value>
    public string Kind { get; init; } = "line";

    public double Width { get; init; }

    public double Alpha { get; init; }

    /// <value>Lengths of dashes and gaps.</value>
    public int[]? Dash { get; init; }

    /// <value>One of many: not in the legend and not under the pointer.</value>
    public bool Quiet { get; init; }
}

/// <summary>A line across a chart, for example a threshold.</summary>
/// <param name="Include">Whether the axis is to reach it.</param>
public sealed record ChartGuide(double Value, string Text, bool Include = false);

/// <summary>What a chart shows beside its series.</summary>
public sealed record CanvasOptions
{
    public string XLabel { get; init; } = "";

    public string YLabel { get; init; } = "";

    /// <value>What the pointer's place is called; the label of the axis by default.</value>
    public string? XUnit { get; init; }

    public bool Log { get; init; }

    /// <value>Whether x is seconds, zero for now.</value>
    public bool TimeX { get; init; }

    public bool WholeX { get; init; }

    public double? XMin { get; init; }

    public double? XMax { get; init; }

    public double? YMin { get; init; }

    public double? YMax { get; init; }

    /// <value>Names of the places 0, 1, 2, ...</value>
    public IReadOnlyList<string>? Names { get; init; }

    public IReadOnlyList<ChartGuide> Lines { get; init; } = [];

    /// <value>Whether a dragged range is shown larger.</value>
    public bool Zoom { get; init; }

    /// <value>Whether the axis leaves out a few far values, as those of the first steps; a double click shows them.</value>
    public bool Robust { get; init; }

    public string Empty { get; init; } = "No data yet";
}
