using EbmService.Inference.Imaging;

namespace EbmService.Cli.Training;

/// <summary>Draws the log.</summary>
internal static class TrainingCurve
{
    private const int Points = 400;

    public static byte[] Energies(string model, IReadOnlyList<TrainingLogRow> rows) => PlotRenderer.Render(new LinePlot(
        $"{model}: energies in training", "iteration", "mean energy",
        [Series("data", rows, row => row.EnergyData), Series("samples", rows, row => row.EnergySamples)]));

    public static byte[] Classification(string model, IReadOnlyList<TrainingLogRow> rows) => PlotRenderer.Render(new LinePlot(
        $"{model}: classification in training", "iteration", "nats, share",
        [Series("cross-entropy", rows, row => row.CrossEntropy), Series("accuracy", rows, row => row.Accuracy)])
    {
        YRange = (0, 1),
    });

    /// <summary>Means over windows, so that a long run still shows its course.</summary>
    private static PlotSeries Series(string name, IReadOnlyList<TrainingLogRow> rows, Func<TrainingLogRow, double> value)
    {
        int window = Math.Max(1, rows.Count / Points);
        List<TrainingLogRow[]> chunks = [.. rows.Chunk(window)];
        return new PlotSeries(name, [.. chunks.Select(chunk => (double)chunk[^1].Iteration)], [.. chunks.Select(chunk => chunk.Average(value))]);
    }
}
