using System.Globalization;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Imaging;

namespace EbmService.Cli.Plots;

/// <summary>Draws what trace.json holds.</summary>
internal static class ChainPlots
{
    private const int Prefixes = 40;
    private const int LeastDraws = 8;
    private const int MeanColor = 6;

    /// <summary>Energies and gradient norms.</summary>
    public static byte[] Energies(ResultFolder result, string title, int chains)
    {
        TraceFile trace = result.Trace;
        PlotSeries[] Single(Func<TraceChain, double?[]> values) =>
        [
            .. trace.Chains.Take(chains).Select((chain, i) => new PlotSeries(
                i == 0 ? $"{Math.Min(chains, trace.Chains.Length)} single chains" : "", trace.Steps, Numbers(values(chain))) { Stroke = PlotStroke.Faint, Color = i }),
        ];
        LinePlot energy = Traces(result, title, "energy", Single(chain => chain.Energy), trace.EnergyMean);
        LinePlot gradient = Traces(result, "", "gradient norm", Single(chain => chain.GradientNorm), trace.GradientNormMean);
        return PlotRenderer.RenderStack(
        [
            energy with { Bands = [Band("mean +- 1 standard deviation", trace, MeanColor)], Height = 380 }, gradient with { Height = 300 },
        ]);
    }

    /// <summary>The start of chains far out would press all the rest flat: it is cut off where it takes most of the height.</summary>
    private static LinePlot Traces(ResultFolder result, string title, string label, PlotSeries[] single, double[] mean)
    {
        double[] all = [.. single.SelectMany(series => series.Y).Concat(mean).Where(double.IsFinite).Order()];
        double[] range = all.Length == 0 ? [0, 1] : [all[0], all[^1]];
        double[] most = all.Length == 0 ? range : [all[all.Length / 100], all[^(1 + all.Length / 100)]];
        bool cut = range[1] - range[0] > 4 * (most[1] - most[0]) && most[1] > most[0];
        if (cut)
            range = [most[0], most[1]];
        double pad = 0.06 * (range[1] > range[0] ? range[1] - range[0] : 1);
        (double Min, double Max) y = (range[0] - pad, range[1] + pad);
        List<PlotSeries> series = [.. single, new("mean over chains", result.Trace.Steps, mean) { Color = MeanColor }];
        if (result.Warmup > 0)
            series.Add(new("end of the warm-up", [result.Warmup, result.Warmup], [y.Min, y.Max]) { Stroke = PlotStroke.Dashed, Color = 1 });
        return new LinePlot(title, "step", label + (cut ? $" (cut: from {all[0]:G3} to {all[^1]:G3})" : ""), series) { YRange = y };
    }

    /// <summary>R-hat and bulk ESS of the energy if the chains had stopped earlier; null where there are too few points.</summary>
    public static byte[]? Convergence(ResultFolder result, string title)
    {
        (double[] steps, double[] rHat, double[] ess) = OverSteps(result);
        if (steps.Length < 2)
            return null;
        double[] ends = [0, steps[^1]];
        string figures = Figures(result);
        return PlotRenderer.RenderStack(
        [
            new LinePlot(title, "step", "R-hat of the energy" + (figures.Length > 0 ? $" (the card, over all quantities: {figures})" : ""),
                [new("R-hat up to the step", steps, rHat), new("threshold 1.01", ends, [1.01, 1.01]) { Stroke = PlotStroke.Dashed, Color = MeanColor }]) { Height = 320 },
            new LinePlot("", "step", $"bulk ESS of the energy, from the {Math.Min(64, result.Trace.Chains.Length)} chains and the points of trace.json",
                [new("bulk ESS up to the step", steps, ess) { Color = 2 }, new("threshold 400", ends, [400, 400]) { Stroke = PlotStroke.Dashed, Color = MeanColor }]) { Height = 320, LogY = true },
        ]);
    }

    /// <summary>Mean energies over one another, and R-hat.</summary>
    public static byte[] Compared(IReadOnlyList<ResultFolder> results, string title)
    {
        string Name(ResultFolder result) => Figures(result) is { Length: > 0 } figures ? $"{result.Name}: {figures}" : result.Name;
        PlotSeries[] means = [.. results.Select((result, i) => new PlotSeries(Name(result), result.Trace.Steps, result.Trace.EnergyMean) { Color = i })];
        List<PlotSeries> rHats = [.. results.Select((result, i) =>
        {
            (double[] steps, double[] rHat, _) = OverSteps(result);
            return new PlotSeries(result.Name, steps, rHat) { Color = i };
        })];
        // Chains begin far out: the first twentieth would press the rest flat.
        double[] settled = [.. results.SelectMany(result => Settled(result.Trace))];
        double last = results.Max(result => result.Trace.Steps.DefaultIfEmpty(1).Max());
        rHats.Add(new("threshold 1.01", [0, last], [1.01, 1.01]) { Stroke = PlotStroke.Dashed, Color = MeanColor });
        return PlotRenderer.RenderStack(
        [
            new LinePlot(title, "step", "energy: mean and +- 1 standard deviation over chains", means)
            {
                Bands = [.. results.Select((result, i) => Band("", result.Trace, i))], Height = 400,
                YRange = settled.Length > 0 && settled.Max() > settled.Min() ? (settled.Min(), settled.Max()) : null,
            },
            new LinePlot("", "step", "R-hat of the energy, were the chains stopped there", rHats) { Height = 320 },
        ]);
    }

    private static IEnumerable<double> Settled(TraceFile trace) => Enumerable.Range(trace.Steps.Length / 20, trace.Steps.Length - trace.Steps.Length / 20)
        .SelectMany(i => new[] { trace.EnergyMean[i] - 1.2 * trace.EnergyStandardDeviation[i], trace.EnergyMean[i] + 1.2 * trace.EnergyStandardDeviation[i] });

    private static PlotBand Band(string name, TraceFile trace, int color) => new(name, trace.Steps,
        [.. trace.EnergyMean.Zip(trace.EnergyStandardDeviation, (mean, deviation) => mean - deviation)],
        [.. trace.EnergyMean.Zip(trace.EnergyStandardDeviation, (mean, deviation) => mean + deviation)], color);

    private static string Figures(ResultFolder result) => string.Join(", ", new[] { ("R-hat", result.RHat, "0.000"), ("ESS", result.EssBulk, "0") }
        .Where(figure => figure.Item2 is not null)
        .Select(figure => $"{figure.Item1} {figure.Item2!.Value.ToString(figure.Item3, CultureInfo.InvariantCulture)}"));

    private static (double[] Steps, double[] RHat, double[] Ess) OverSteps(ResultFolder result)
    {
        TraceFile trace = result.Trace;
        // The trace has values before each step; its last point may lie closer than the others.
        int first = Array.FindIndex(trace.Steps, step => step >= result.Warmup), points = trace.Steps.Length - first;
        TraceChain[] chains = [.. trace.Chains.Where(chain => chain.Energy.All(value => value is not null))];
        if (first < 0 || points < LeastDraws || chains.Length < 2)
            return ([], [], []);
        int[] lengths = [.. Enumerable.Range(1, Prefixes).Select(i => LeastDraws + (points - LeastDraws) * i / Prefixes).Distinct()];
        ChainFigures[] figures = [.. lengths.Select(length => ChainDiagnostics.Of(ChainDraws.From(
            [.. Enumerable.Range(first, length).SelectMany(point => chains.Select(chain => (float)chain.Energy[point]!.Value))], chains.Length)))];
        return ([.. lengths.Select(length => trace.Steps[first + length - 1])],
            [.. figures.Select(figure => figure.RHat ?? double.NaN)], [.. figures.Select(figure => figure.EssBulk ?? double.NaN)]);
    }

    private static double[] Numbers(double?[] values) => [.. values.Select(value => value ?? double.NaN)];
}
