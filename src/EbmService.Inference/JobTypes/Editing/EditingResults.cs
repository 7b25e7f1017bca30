using System.Runtime.InteropServices;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Editing;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;

namespace EbmService.Inference.JobTypes.Editing;

/// <summary>
/// Makes an editing job's files: edited.npy (rows, input), editing.json (a summary of each row), editing.png (the first inputs, what became of them, and
/// the difference) and card.json. Rows that were not begun, after a cancel, and those without a counterfactual are NaN.
/// </summary>
internal sealed class EditingResults(
    JobDefinition job, EditingSpec spec, IReadOnlyList<BlockResult> blocks, InputSchema? input, IImageCodec images, IJobInputs inputs)
{
    private const string Json = "application/json";
    private const int Drawn = 16;

    private readonly Dictionary<int, BlockResult> _byIndex = blocks.ToDictionary(block => block.Block.Index);

    public void Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        int[] shape = [.. input?.Shape ?? []];
        int length = shape.Aggregate(1, (product, size) => product * size);
        var rows = new List<EditedRow>();
        var shown = new List<float[]>();
        bool isComplete = true;
        files.Write("edited.npy", NpyFormat.MediaType, stream =>
        {
            stream.Write(NpyFormat.Header(NpyDtype.Float32, [spec.Rows.Count, .. shape]));
            foreach ((BlockPlan block, SafetensorsFile? file) in Files())
            {
                isComplete &= file?.Metadata["step"] == block.Steps.ToString(System.Globalization.CultureInfo.InvariantCulture);
                float[] edited = file?["best"].ToFloats() ?? [];
                double[] distances = file?["distances"].ToDoubles() ?? [];
                for (int row = 0; row < block.Count; row++)
                {
                    var missing = new float[length];
                    Array.Fill(missing, float.NaN);
                    bool isThere = file is not null && double.IsFinite(distances[row]);
                    float[] written = isThere ? edited[(row * length)..((row + 1) * length)] : missing;
                    stream.Write(MemoryMarshal.AsBytes(written.AsSpan()));
                    if (shown.Count < Drawn)
                        shown.Add(written);
                }
                if (file is not null)
                    rows.AddRange(Summarise(file, block, distances));
            }
        });
        files.Write("editing.json", Json, stream => JsonSerializer.Serialize(stream, EditingReport.Of(rows), EbmJson.Indented));
        Draw(files, shown);
        var card = new EditingCard(job.Models, spec, device.Kind, device.Runtime, ServiceSoftware.Text, rows.Count, isComplete, stopped, EditingCard.Scope);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
    }

    private IEnumerable<EditedRow> Summarise(SafetensorsFile file, BlockPlan block, double[] distances)
    {
        double[] before = file["energyBefore"].ToDoubles(), after = file["energyAfter"].ToDoubles();
        long[] targets = file["targets"].ToInt64();
        bool hasClasses = file.Tensors.ContainsKey("classBefore");
        double[]? classBefore = hasClasses ? file["classBefore"].ToDoubles() : null, classAfter = hasClasses ? file["classAfter"].ToDoubles() : null;
        double[]? confidence = hasClasses ? file["confidence"].ToDoubles() : null;
        bool isProjection = spec.Operation == EditingOperation.Project;
        for (int row = 0; row < block.Count; row++)
        {
            bool isFound = double.IsFinite(distances[row]);
            yield return new EditedRow(
                block.Offset + row, before[row], isFound ? after[row] : null, isFound ? distances[row] : null, (int?)classBefore?[row],
                isFound ? (int?)classAfter?[row] : null, isProjection ? null : (int)targets[row], isProjection || !isFound ? null : confidence?[row],
                isProjection ? null : isFound && (int?)classAfter?[row] == targets[row]);
        }
    }

    /// <summary>Three lines: inputs, what became of them, and the difference around the middle of the range.</summary>
    private void Draw(IResultWriter files, List<float[]> edited)
    {
        if (input is null || input.Kind != InputKind.Image)
            return;
        float[] originals = RowsReader.Read(inputs, job, spec.Rows, input, 0, edited.Count);
        float middle = (float)((input.Min + input.Max) / 2);
        float[] all =
        [
            .. originals, .. edited.SelectMany(row => row.Select(value => float.IsNaN(value) ? middle : value)),
            .. edited.SelectMany(row => row).Select((value, i) => float.IsNaN(value) ? middle : middle + (value - originals[i]) / 2),
        ];
        if (images.EncodeGrid(new TensorPayload([3 * edited.Count, .. input.Shape], all), input, edited.Count) is { Length: > 0 } png)
            files.Write("editing.png", "image/png", stream => stream.Write(png));
    }

    private IEnumerable<(BlockPlan Block, SafetensorsFile? File)> Files() => EditingJobType.PlanOf(spec).Blocks.Select(block =>
        (block, _byIndex.TryGetValue(block.Index, out BlockResult? result) ? SafetensorsFile.Read(result.Read()) : null));
}

/// <summary>What became of one row.</summary>
/// <param name="Distance">From the input, L2; null where no counterfactual was found.</param>
/// <param name="Confidence">p(target | x) of the edited row.</param>
/// <param name="IsTarget">Whether the edited row's class is the target, as the model says of the very row in the file; null of projections.</param>
internal sealed record EditedRow(
    int Row, double EnergyBefore, double? EnergyAfter, double? Distance, int? ClassBefore, int? ClassAfter, int? Target, double? Confidence, bool? IsTarget);

/// <summary>The file editing.json.</summary>
/// <param name="Reached">Rows that are of the target's class now.</param>
/// <param name="Already">Of these, rows that were before: nothing had to change.</param>
internal sealed record EditingReport(int Rows, int Reached, int Already, double? MeanDistance, double? MeanEnergyBefore, double? MeanEnergyAfter, IReadOnlyList<EditedRow> Each)
{
    public static EditingReport Of(IReadOnlyList<EditedRow> rows) => new(
        rows.Count, rows.Count(row => row.IsTarget ?? row.Distance > 0),
        rows.Count(row => row.IsTarget is true && row.ClassBefore == row.Target), rows.Average(row => row.Distance),
        rows.Count > 0 ? rows.Average(row => row.EnergyBefore) : null, rows.Average(row => row.EnergyAfter), rows);
}

/// <summary>The file card.json. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record EditingCard(
    IReadOnlyList<JobModel> Models, EditingSpec Spec, string Device, string Runtime, string Software, int RowsDone, bool Complete, string Stopped,
    string Determinism)
{
    public const string Scope =
        "No random numbers. On a CPU, the same rows, model digest and spec give the same bits on the same kind of processor with the same runtime, in any block "
        + "size, after a pause or a killed process too. A counterfactual is checked on the very row of the file; it is the nearest that was found, an upper bound of the "
        + "least change. An edit shows what the model takes for a class, not what a class is. On CUDA none of this is tested.";
}
