using EbmService.Inference.Training;

namespace EbmService.Cli.Training;

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
