using EbmService.Core.Assessment;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Assessment;

/// <summary>The pictures of an assessment.</summary>
internal static class AssessmentPlots
{
    private const int Bins = 60, Points = 200, Colors = 7;

    /// <summary>Shares of each set's rows by the default score, down to two ranges of the in-distribution rows below them: others may lie farther by any factor.</summary>
    public static LinePlot Histogram(AssessmentSpec spec, AssessmentFigures figures)
    {
        float[][] sets = [.. Enumerable.Range(0, spec.Sets.Count).Select(set => figures.Read(set, spec.Score).Where(float.IsFinite).Order().ToArray())];
        float[] usual = sets.FirstOrDefault(set => set.Length > 0) ?? [0, 1];
        double high = sets.Where(set => set.Length > 0).Select(set => (double)set[^1]).DefaultIfEmpty(1).Max();
        double lowest = sets.Where(set => set.Length > 0).Select(set => (double)set[0]).DefaultIfEmpty(0).Min();
        double low = Math.Max(lowest, usual[usual.Length / 100] - 2.0 * (usual[^1] - usual[usual.Length / 100]));
        double width = Math.Max((high - low) / Bins, 1e-12);
        var series = new List<PlotSeries>();
        foreach ((int i, float[] values) in sets.Index())
        {
            if (values.Length == 0)
                continue;
            var counts = new double[Bins];
            foreach (float value in values)
                counts[Math.Clamp((int)((value - low) / width), 0, Bins - 1)] += 1.0 / values.Length;
            series.Add(new PlotSeries(
                spec.Sets[i].Name, [.. Enumerable.Range(0, Bins).SelectMany(bin => new[] { low + bin * width, low + (bin + 1) * width })],
                [.. counts.SelectMany(count => new[] { count, count })]));
        }
        return new LinePlot($"{spec.Score} of the rows", spec.Score, "share of the set", series.Count > 0 ? series : [Chance]) { Subtitle = "what lies lower is in the first bin" };
    }

    /// <summary>In-distribution rows accepted over others accepted, for each score.</summary>
    public static LinePlot Roc(AssessmentSpec spec, AssessmentFigures figures, int set) => new(
        $"In distribution against {spec.Sets[set].Name}", "others accepted", "in distribution accepted",
        [
            .. spec.Scores.Select((score, i) => Curve(score, figures.Read(0, score), figures.Read(set, score)) is { } curve
                ? curve with { Stroke = i < Colors ? PlotStroke.Solid : PlotStroke.Dashed } : null).OfType<PlotSeries>(),
            Chance,
        ])
    { YRange = (0, 1) };

    public static LinePlot Coverage(CoverageReport? report) => new(
        "Accuracy on the rows that get a label", "share answered, those of largest p-values first", "accuracy",
        [report is null ? Chance : new PlotSeries("", report.Coverage, report.AccuracyAt)]);

    private static PlotSeries Chance => new("", [0, 1], [0, 1]) { Stroke = PlotStroke.Dashed };

    private static PlotSeries? Curve(string score, float[] inside, float[] outside)
    {
        if (inside.Length == 0 || outside.Length == 0)
            return null;
        Array.Sort(inside);
        Array.Sort(outside);
        var x = new List<double> { 0 };
        var y = new List<double> { 0 };
        // Levels of both sets, so that neither end of the curve is coarse.
        foreach (float level in Levels(inside).Concat(Levels(outside)).OrderDescending())
        {
            x.Add(AtOrAbove(outside, level));
            y.Add(AtOrAbove(inside, level));
        }
        return new PlotSeries(score, [.. x, 1], [.. y, 1]);
    }

    private static IEnumerable<float> Levels(float[] sorted) =>
        Enumerable.Range(0, Points).Select(i => sorted[(int)((long)i * (sorted.Length - 1) / (Points - 1))]);

    private static double AtOrAbove(float[] sorted, float level)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            int middle = low + (high - low) / 2;
            if (sorted[middle].CompareTo(level) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        return (sorted.Length - low) / (double)sorted.Length;
    }
}
