namespace EbmService.Inference.Imaging;

/// <summary>One curve; points that are not finite interrupt it.</summary>
/// <param name="Name">Its line in the legend.</param>
/// <param name="X">Positions.</param>
/// <param name="Y">Values, as many as positions.</param>
public sealed record PlotSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y);

/// <summary>A picture of curves over one pair of axes. Texts are ASCII.</summary>
public sealed record LinePlot(string Title, string XLabel, string YLabel, IReadOnlyList<PlotSeries> Series)
{
    /// <value>Pixels; at least 200.</value>
    public int Width { get; init; } = 800;

    /// <value>Pixels; at least 160.</value>
    public int Height { get; init; } = 480;

    /// <value>The ends of the y axis; null for the hull of the values.</value>
    public (double Min, double Max)? YRange { get; init; }
}
