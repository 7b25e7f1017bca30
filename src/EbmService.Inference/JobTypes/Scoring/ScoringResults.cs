using System.Runtime.InteropServices;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Scoring;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Scoring;

/// <summary>
/// Makes a scoring job's files, one block of rows in memory at a time: NAME.npy of each output, summary.json, energies.png (a histogram) and card.json.
/// Rows that were not reached, after a cancel, are NaN.
/// </summary>
internal sealed class ScoringResults(JobDefinition job, ScoringSpec spec, IReadOnlyList<BlockResult> blocks)
{
    /// <summary>Among a block's tensors: the energies that metrics and the histogram are of, whatever was asked for.</summary>
    public const string Energies = "$energies";

    private const string Json = "application/json";
    private const int Bins = 64;

    private readonly Dictionary<int, BlockResult> _byIndex = blocks.ToDictionary(block => block.Block.Index);

    public void Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        var summaries = new SortedDictionary<string, NumberSummary>(StringComparer.Ordinal);
        foreach (string output in spec.Outputs)
            files.Write($"{output}.npy", NpyFormat.MediaType, stream => summaries[output] = WriteArray(output, stream));
        NumberSummary energies = Summarise();
        Histogram? histogram = energies.Count > 0 ? Count(energies) : null;
        var summary = new ScoringSummary(spec.Count, energies.Seen, energies.Seen - energies.Count, summaries, histogram);
        files.Write("summary.json", Json, stream => JsonSerializer.Serialize(stream, summary, EbmJson.Indented));
        if (histogram is not null)
            files.Write("energies.png", "image/png", stream => stream.Write(PlotRenderer.Render(Draw(histogram))));
        var card = new ScoringCard(
            job.Models, spec, device.Kind, device.Runtime, ServiceSoftware.Text, spec.Count, energies.Seen, energies.Seen == spec.Count, stopped, ScoringCard.Scope);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
    }

    /// <summary>The array (shape, or shape and classes for logits) from front to back.</summary>
    private NumberSummary WriteArray(string output, Stream stream)
    {
        var summary = new NumberSummary();
        int width = blocks.Count == 0 ? 1 : (int)SafetensorsFile.Read(blocks[0].Read())[output].Shape[1];
        // A tensor without numbers is written as the header alone.
        stream.Write(NpyFormat.Write(new TensorPayload(output == ScoringOutput.Logits ? [.. spec.Shape, width] : spec.Shape, [])));
        foreach ((BlockPlan block, SafetensorsFile? file) in Files())
        {
            SafetensorsTensor? tensor = file?[output];
            float[] values = tensor?.ToFloats() ?? [];
            summary.Add(values);
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            float[] missing = new float[block.Count * width - values.Length];
            Array.Fill(missing, float.NaN);
            stream.Write(MemoryMarshal.AsBytes(missing.AsSpan()));
        }
        return summary;
    }

    private NumberSummary Summarise()
    {
        var summary = new NumberSummary();
        foreach ((_, SafetensorsFile? file) in Files())
            summary.Add(file?[Energies].ToFloats() ?? []);
        return summary;
    }

    private Histogram Count(NumberSummary energies)
    {
        var counts = new long[Bins];
        double width = Math.Max((energies.Max!.Value - energies.Min!.Value) / Bins, double.Epsilon);
        foreach ((_, SafetensorsFile? file) in Files())
        {
            foreach (float value in (file?[Energies].ToFloats() ?? []).Where(float.IsFinite))
                counts[Math.Clamp((int)((value - energies.Min.Value) / width), 0, Bins - 1)]++;
        }
        return new Histogram([.. Enumerable.Range(0, Bins + 1).Select(edge => energies.Min.Value + edge * width)], counts);
    }

    /// <summary>Every block of the plan; null for one that never ran.</summary>
    private IEnumerable<(BlockPlan Block, SafetensorsFile? File)> Files() => ScoringJobType.PlanOf(spec).Blocks.Select(block =>
        (block, _byIndex.TryGetValue(block.Index, out BlockResult? result) ? SafetensorsFile.Read(result.Read()) : null));

    private static LinePlot Draw(Histogram histogram)
    {
        double[] x = [.. histogram.Edges.SelectMany(edge => new[] { edge, edge })];
        double[] y = [0, .. histogram.Counts.SelectMany(count => new double[] { count, count }), 0];
        return new LinePlot("Energies of the rows", "E(x)", "rows", [new PlotSeries("", x, y)]);
    }
}

/// <summary>The file summary.json.</summary>
/// <param name="RowsScored">Fewer than the rows after a cancel.</param>
/// <param name="NotFinite">Scored rows whose energy is no finite number.</param>
/// <param name="Outputs">Over the finite numbers of each.</param>
/// <param name="Energies">Rows by energy; null where none is finite.</param>
internal sealed record ScoringSummary(
    int Rows, long RowsScored, long NotFinite, IReadOnlyDictionary<string, NumberSummary> Outputs, Histogram? Energies);

/// <param name="Edges">One more than counts, ascending.</param>
internal sealed record Histogram(IReadOnlyList<double> Edges, IReadOnlyList<long> Counts);

/// <summary>Count, mean, deviation and ends of finite numbers as they come by (Welford 1962).</summary>
internal sealed class NumberSummary
{
    private double _squares;

    /// <value>Finite numbers.</value>
    public long Count { get; private set; }

    /// <value>All numbers.</value>
    [System.Text.Json.Serialization.JsonIgnore]
    public long Seen { get; private set; }

    public double? Mean { get; private set; }

    public double? StandardDeviation => Count > 0 ? Math.Sqrt(_squares / Count) : null;

    public double? Min { get; private set; }

    public double? Max { get; private set; }

    public void Add(ReadOnlySpan<float> values)
    {
        Seen += values.Length;
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
                continue;
            double difference = value - (Mean ?? 0);
            Mean = (Mean ?? 0) + difference / ++Count;
            _squares += difference * (value - Mean.Value);
            (Min, Max) = (Math.Min(Min ?? value, value), Math.Max(Max ?? value, value));
        }
    }
}

/// <summary>The file card.json: everything needed to understand and reproduce a result. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record ScoringCard(
    IReadOnlyList<JobModel> Models, ScoringSpec Spec, string Device, string Runtime, string Software, int Rows, long RowsScored, bool Complete, string Stopped,
    string Determinism)
{
    public const string Scope =
        "On a CPU, the same rows, model digest and spec give the same bits on the same kind of processor with the same runtime: in any block size, whatever else "
        + "runs beside it, after a pause or a killed process. A cancel leaves the rows that were not reached as NaN. On CUDA none of this is tested.";
}
