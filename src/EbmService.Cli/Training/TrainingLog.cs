using System.Globalization;
using EbmService.Inference.Training;

namespace EbmService.Cli.Training;

/// <summary>One row of the log.</summary>
internal sealed record TrainingLogRow(
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

/// <summary>The run's metrics as CSV, one row per iteration; a resumed run goes on in the same file.</summary>
internal sealed class TrainingLog(string path) : IDisposable
{
    private readonly List<TrainingLogRow> _rows = [];
    private StreamWriter? _writer;

    public IReadOnlyList<TrainingLogRow> Rows => _rows;

    /// <summary>Keeps the rows up to that iteration: those after it were computed again.</summary>
    public void Open(int iteration)
    {
        if (iteration > 0 && File.Exists(path))
            _rows.AddRange(File.ReadLines(path).Skip(1).Select(TrainingLogRow.Parse).OfType<TrainingLogRow>()
                .Where(row => row.Iteration <= iteration));
        _writer = new StreamWriter(path, append: false) { NewLine = "\n" };
        _writer.WriteLine(TrainingLogRow.Header);
        foreach (TrainingLogRow row in _rows)
            _writer.WriteLine(row);
    }

    public void Append(TrainingProgress progress)
    {
        TrainingLogRow row = TrainingLogRow.Of(progress);
        _rows.Add(row);
        _writer?.WriteLine(row);
    }

    public void Flush() => _writer?.Flush();

    public void Dispose() => _writer?.Dispose();
}
