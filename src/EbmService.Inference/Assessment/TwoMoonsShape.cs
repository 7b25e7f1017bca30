namespace EbmService.Inference.Assessment;

/// <summary>The noise-free arcs of <see cref="Training.TwoMoonsData"/>.</summary>
internal static class TwoMoonsShape
{
    /// <summary>Distances of a point to the upper and the lower arc.</summary>
    public static (double Upper, double Lower) Distances(double x, double y) =>
        (ToArc(x + 0.5, y + 0.25), ToArc(x - 0.5, 0.25 - y));

    /// <summary>Distance to the upper half of the unit circle.</summary>
    private static double ToArc(double x, double y) => y >= 0
        ? Math.Abs(Math.Sqrt(x * x + y * y) - 1)
        : Math.Min(Math.Sqrt((x - 1) * (x - 1) + y * y), Math.Sqrt((x + 1) * (x + 1) + y * y));
}
