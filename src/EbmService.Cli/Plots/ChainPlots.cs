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
        string legend = $"{Math.Min(chains, trace.Chains.Length)} single chains";
        PlotSeries[] Single(Func<TraceChain, double?[]> values) =>
        [
            .. trace.Chains.Take(chains).Select((chain, i) =>
                new PlotSeries(i == 0 ? legend : "", trace.Steps, Numbers(values(chain))) { Stroke = PlotStroke.Faint, Color = i }),
        ];
        LinePlot energy = Traces(result, title, "energy", Single(chain => chain.Energy), trace.EnergyMean);
        LinePlot gradient = Traces(result, "", "gradient norm", Single(chain => chain.GradientNorm), trace.GradientNormMean);
        return PlotRenderer.RenderStack(
        [
            energy with { Bands = [Band("mean ± 1 standard deviation", trace, MeanColor)], Height = 380 }, gradient with { Height = 300 },
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
        {
            series.Add(new("end of the warm-up", [result.Warmup, result.Warmup], [y.Min, y.Max])
            {
                Stroke = PlotStroke.Dashed, Color = 1,
            });
        }
        return new LinePlot(title, "step", label, series)
        {
            YRange = y, Subtitle = cut ? $"cut off: values from {all[0]:G3} to {all[^1]:G3}" : "",
        };
    }

    /// <summary>R-hat and bulk ESS of the energy if the chains had stopped earlier; null where there are too few points.</summary>
    public static byte[]? Convergence(ResultFolder result, string title)
    {
        (double[] steps, double[] rHat, double[] ess) = OverSteps(result);
        if (steps.Length < 2)
            return null;
        double[] ends = [0, steps[^1]];
        string card = Statistics(result);
        return PlotRenderer.RenderStack(
        [
            new LinePlot(title, "step", "R-hat", [new("R-hat up to the step", steps, rHat), Threshold(1.01, ends)])
            {
                Height = 330, Subtitle = "R-hat of the energy" + (card.Length > 0 ? $" (the card, over all quantities: {card})" : ""),
            },
            new LinePlot("", "step", "bulk ESS", [new("bulk ESS up to the step", steps, ess) { Color = 2 }, Threshold(400, ends)])
            {
                Height = 320, LogY = true,
                Subtitle = $"bulk ESS of the energy, from {Math.Min(64, result.Trace.Chains.Length)} chains and the points of trace.json",
            },
        ]);
    }

    /// <summary>Mean energies over one another, and R-hat.</summary>
    public static byte[] Compared(IReadOnlyList<ResultFolder> results, string title)
    {
        string Name(ResultFolder result) => Statistics(result) is { Length: > 0 } card ? $"{result.Name}: {card}" : result.Name;
        PlotSeries[] means =
            [.. results.Select((result, i) => new PlotSeries(Name(result), result.Trace.Steps, result.Trace.EnergyMean) { Color = i })];
        List<PlotSeries> rHats = [.. results.Select((result, i) =>
        {
            (double[] steps, double[] rHat, _) = OverSteps(result);
            return new PlotSeries(result.Name, steps, rHat) { Color = i };
        })];
        // Chains begin far out: the first twentieth would press the rest flat.
        double[] later = [.. results.SelectMany(result => LaterEnergies(result.Trace))];
        double last = results.Max(result => result.Trace.Steps.DefaultIfEmpty(1).Max());
        rHats.Add(Threshold(1.01, [0, last]));
        return PlotRenderer.RenderStack(
        [
            new LinePlot(title, "step", "energy", means)
            {
                Bands = [.. results.Select((result, i) => Band("", result.Trace, i))], Height = 410,
                Subtitle = "energy: mean ± 1 standard deviation over chains",
                YRange = later.Length > 0 && later.Max() > later.Min() ? (later.Min(), later.Max()) : null,
            },
            new LinePlot("", "step", "R-hat", rHats) { Height = 320, Subtitle = "R-hat of the energy, were the chains stopped there" },
        ]);
    }

    private static IEnumerable<double> LaterEnergies(TraceFile trace) => trace.EnergyMean.Zip(trace.EnergyStandardDeviation)
        .Skip(trace.Steps.Length / 20).SelectMany(point => new[] { point.First - 1.2 * point.Second, point.First + 1.2 * point.Second });

    private static PlotSeries Threshold(double value, double[] ends) =>
        new($"threshold {value.ToString(CultureInfo.InvariantCulture)}", ends, [value, value])
        {
            Stroke = PlotStroke.Dashed, Color = MeanColor,
        };

    private static PlotBand Band(string name, TraceFile trace, int color) => new(name, trace.Steps,
        [.. trace.EnergyMean.Zip(trace.EnergyStandardDeviation, (mean, deviation) => mean - deviation)],
        [.. trace.EnergyMean.Zip(trace.EnergyStandardDeviation, (mean, deviation) => mean + deviation)], color);

    private static string Statistics(ResultFolder result)
    {
        (string Name, double? Value, string Format)[] statistics = [("R-hat", result.RHat, "0.000"), ("ESS", result.EssBulk, "0")];
        return string.Join(", ", statistics.Where(one => one.Value is not null)
            .Select(one => $"{one.Name} {one.Value!.Value.ToString(one.Format, CultureInfo.InvariantCulture)}"));
    }

    private static (double[] Steps, double[] RHat, double[] Ess) OverSteps(ResultFolder result)
    {
        TraceFile trace = result.Trace;
        // The trace has values before each step; its last point may lie closer than the others.
        int first = Array.FindIndex(trace.Steps, step => step >= result.Warmup), points = trace.Steps.Length - first;
        TraceChain[] chains = [.. trace.Chains.Where(chain => chain.Energy.All(value => value is not null))];
        if (first < 0 || points < LeastDraws || chains.Length < 2)
            return ([], [], []);
        int[] lengths = [.. Enumerable.Range(1, Prefixes).Select(i => LeastDraws + (points - LeastDraws) * i / Prefixes).Distinct()];
        ChainStatistics[] statistics = [.. lengths.Select(length => ChainDiagnostics.Compute(ChainDraws.From(
            [.. Enumerable.Range(first, length)
                .SelectMany(point => chains.Select(chain => (float)chain.Energy[point]!.Value))], chains.Length)))];
        return ([.. lengths.Select(length => trace.Steps[first + length - 1])],
            [.. statistics.Select(one => one.RHat ?? double.NaN)], [.. statistics.Select(one => one.EssBulk ?? double.NaN)]);
    }

    private static double[] Numbers(double?[] values) => [.. values.Select(value => value ?? double.NaN)];
}
