using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EbmService.Core.Assessment;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Assessment;

/// <summary>
/// Makes an assessment's files: pvalues.npy of all rows (sets one after the other, NaN where none was reached), assessment.json, assessment.md, histogram.png,
/// roc-SET.png of each set, accuracy-coverage.png where the rows have labels, and card.json. After a cancel they are of what was scored.
/// </summary>
internal sealed class AssessmentResults(JobDefinition job, IReadOnlyList<BlockResult> blocks)
{
    private const string Json = "application/json";

    private readonly AssessmentSpec _spec = (AssessmentSpec)job.Spec;

    public void Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        var figures = new AssessmentFigures(_spec, blocks);
        files.Write("pvalues.npy", NpyFormat.MediaType, WritePValues);
        int[] scored = [.. Enumerable.Range(0, _spec.Sets.Count).Select(figures.RowsOf)];
        CoverageReport? coverage = figures.Coverage();
        var report = new AssessmentReportFile(
            [.. _spec.Sets.Zip(scored, (set, rows) => new SetCount(set.Name, set.Rows.Count, rows))], figures.Compare(), figures.Conformal(), coverage);
        files.Write("assessment.json", Json, stream => JsonSerializer.Serialize(stream, report, EbmJson.Indented));
        files.Write("assessment.md", "text/markdown", stream => stream.Write(Encoding.UTF8.GetBytes(AssessmentText.Of(job, _spec, report))));
        Draw("histogram.png", AssessmentPlots.Histogram(_spec, figures));
        for (int set = 1; set < _spec.Sets.Count; set++)
            Draw($"roc-{_spec.Sets[set].Name}.png", AssessmentPlots.Roc(_spec, figures, set));
        if (_spec.InDistribution.HasLabels)
            Draw("accuracy-coverage.png", AssessmentPlots.Coverage(coverage));
        var card = new AssessmentCardFile(
            job.Models, _spec, device.Kind, device.Runtime, ServiceSoftware.Text, report.Sets, scored.Sum() == _spec.Count, stopped, AssessmentCardFile.Scope);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));

        void Draw(string name, LinePlot plot) => files.Write(name, "image/png", stream => stream.Write(PlotRenderer.Render(plot)));
    }

    private void WritePValues(Stream stream)
    {
        Dictionary<int, BlockResult> byIndex = blocks.ToDictionary(block => block.Block.Index);
        stream.Write(NpyFormat.Write(new TensorPayload([_spec.Count], [])));
        foreach (BlockPlan block in _spec.Plan().Blocks)
        {
            float[] values = byIndex.TryGetValue(block.Index, out BlockResult? result)
                ? SafetensorsFile.Read(result.Read())[AssessmentWorkload.PValues].ToFloats() : [];
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            var missing = new float[block.Count - values.Length];
            Array.Fill(missing, float.NaN);
            stream.Write(MemoryMarshal.AsBytes(missing.AsSpan()));
        }
    }
}

/// <param name="Scored">Fewer than the rows after a cancel.</param>
internal sealed record SetCount(string Name, int Rows, int Scored);

/// <summary>The file assessment.json.</summary>
internal sealed record AssessmentReportFile(
    IReadOnlyList<SetCount> Sets, IReadOnlyList<ComparisonReport> Comparisons, IReadOnlyList<ConformalReport> Conformal, CoverageReport? Classification);

/// <summary>The file card.json: everything needed to understand and reproduce a result. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record AssessmentCardFile(
    IReadOnlyList<JobModel> Models, AssessmentSpec Spec, string Device, string Runtime, string Software, IReadOnlyList<SetCount> Sets, bool Complete, string Stopped,
    string Determinism)
{
    public const string Scope =
        "On a CPU, the same rows, model digest, calibration and spec give the same bits on the same kind of processor with the same runtime: in any block size, "
        + "whatever else runs beside it, after a pause or a killed process. On CUDA none of this is tested.";
}
