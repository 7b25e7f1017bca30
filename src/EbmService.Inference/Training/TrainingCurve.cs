using System.Globalization;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.Training;

/// <summary>One row of the log.</summary>
public sealed record TrainingLogRow(
    int Iteration, double EnergyData, double EnergySamples, double CrossEntropy, double Accuracy, double GradientNorm, double Seconds)
{
    public const string Header = "iteration,energyData,energySamples,crossEntropy,accuracy,gradientNorm,seconds";

    public static TrainingLogRow Of(TrainingProgress progress) => new(
        progress.Iteration, progress.EnergyData, progress.EnergySamples, progress.CrossEntropy, progress.Accuracy,
        progress.GradientNorm, progress.Elapsed.TotalSeconds);

    /// <returns>Null for a line that is cut short or no row.</returns>
    public static TrainingLogRow? Parse(string line)
    {
        string[] parts = line.Split(',');
        var numbers = new double[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!double.TryParse(parts[i], CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        }
        return numbers.Length == 7
            ? new TrainingLogRow((int)numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6])
            : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Iteration},{EnergyData:G6},{EnergySamples:G6},{CrossEntropy:G6},{Accuracy:G6},{GradientNorm:G6},{Seconds:F2}");
}

/// <summary>Draws a run's course as PNG.</summary>
public static class TrainingCurve
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
        return new PlotSeries(
            name, [.. chunks.Select(chunk => (double)chunk[^1].Iteration)], [.. chunks.Select(chunk => chunk.Average(value))]);
    }
}
