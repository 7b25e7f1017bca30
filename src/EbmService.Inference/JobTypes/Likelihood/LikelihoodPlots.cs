using System.Globalization;
using EbmService.Inference.Annealing;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>Pictures of an estimate.</summary>
internal static class LikelihoodPlots
{
    /// <summary>log Z by each chain alone: where the two curves meet, the sides agree.</summary>
    /// <param name="forward">Ascending.</param>
    public static LinePlot OfWeights(double[] forward, double[] reverse, LogZReport logZ)
    {
        var series = new List<PlotSeries> { new("forward chains", Shares(forward), forward), new("reverse chains", Shares(reverse), reverse) };
        if (logZ.Lower is { } lower)
            series.Add(new("lower bound", [0, 1], [lower, lower]) { Stroke = PlotStroke.Dashed, Color = 0 });
        if (logZ.Upper is { } upper)
            series.Add(new("upper bound", [0, 1], [upper, upper]) { Stroke = PlotStroke.Dashed, Color = 1 });
        return new LinePlot("log Z by each chain", "share of the chains", "nats", series)
        {
            Subtitle = logZ is { Lower: { } low, Upper: { } high }
                ? string.Create(CultureInfo.InvariantCulture, $"bounds at {logZ.Confidence:P1}: {low:F3} to {high:F3}") : "",
        };
    }

    public static LinePlot OfLadder(AnnealingLadder ladder)
    {
        double[] bridges = [.. Enumerable.Range(0, ladder.Betas.Count).Select(i => (double)i)];
        var series = new List<PlotSeries> { new("inverse temperature", bridges, ladder.Betas) };
        double largest = ladder.StepSizes.Max();
        if (largest > 0)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"step size, share of {largest:G3}");
            series.Add(new(name, bridges, [.. ladder.StepSizes.Select(size => size / largest)]) { Stroke = PlotStroke.Dashed });
        }
        return new LinePlot("The ladder", "bridge", "from 0, the base, to 1, the model", series);
    }

    private static double[] Shares(double[] values) => [.. values.Select((_, i) => (i + 0.5) / values.Length)];
}
