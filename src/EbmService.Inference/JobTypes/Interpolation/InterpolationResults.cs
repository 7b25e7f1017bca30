using System.Runtime.InteropServices;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Imaging;
using EbmService.Core.Interpolation;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Interpolation;

/// <summary>
/// Makes an interpolation job's files: paths.npy (paths, points, input), energies.npy and straightEnergies.npy (paths, points), interpolation.json,
/// paths.png (the first paths), energies.png (energy along them) and card.json. Paths that were not begun, after a cancel, are NaN.
/// </summary>
internal sealed class InterpolationResults(
    JobDefinition job, InterpolationSpec spec, IReadOnlyList<BlockResult> blocks, InputSchema? input, IImageCodec images)
{
    private const string Json = "application/json";
    private const int Drawn = 8;

    private readonly Dictionary<int, BlockResult> _byIndex = blocks.ToDictionary(block => block.Block.Index);

    public void Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        var paths = new List<PathSummary>();
        var shown = new List<(float[] Rows, double[] Energies, double[] Straight)>();
        int[] shape = [.. input?.Shape ?? []];
        int length = shape.Aggregate(1, (product, size) => product * size);
        files.Write("paths.npy", NpyFormat.MediaType, stream =>
        {
            stream.Write(NpyFormat.Header(NpyDtype.Float32, [spec.Paths, spec.Points, .. shape]));
            foreach ((BlockPlan block, SafetensorsFile? file) in Files())
            {
                float[] rows = Floats(file, "positions", block.Count * spec.Points * length);
                stream.Write(MemoryMarshal.AsBytes(rows.AsSpan()));
                if (file is not null)
                    Summarise(file, block, rows, length, paths, shown);
            }
        });
        WriteEnergies(files, "energies.npy", "energies");
        WriteEnergies(files, "straightEnergies.npy", "straight");
        int complete = Files().Count(block => block.File?.Metadata["step"] == block.Block.Steps.ToString(System.Globalization.CultureInfo.InvariantCulture));
        bool isComplete = complete == InterpolationJobType.PlanOf(spec).Blocks.Count;
        files.Write("interpolation.json", Json, stream => JsonSerializer.Serialize(stream, new InterpolationReport(spec.Paths, paths), EbmJson.Indented));
        if (shown.Count > 0)
        {
            Draw(files, shown);
            files.Write("energies.png", "image/png", stream => stream.Write(PlotRenderer.Render(Plot(shown[0]))));
        }
        var card = new InterpolationCard(
            job.Models, spec, device.Kind, device.Runtime, ServiceSoftware.Text, paths.Count, isComplete, stopped, InterpolationCard.Scope);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
    }

    private void WriteEnergies(IResultWriter files, string name, string tensor) => files.Write(name, NpyFormat.MediaType, stream =>
    {
        stream.Write(NpyFormat.Header(NpyDtype.Float32, [spec.Paths, spec.Points]));
        foreach ((BlockPlan block, SafetensorsFile? file) in Files())
            stream.Write(MemoryMarshal.AsBytes(Floats(file, tensor, block.Count * spec.Points).AsSpan()));
    });

    private void Summarise(
        SafetensorsFile file, BlockPlan block, float[] rows, int length, List<PathSummary> paths, List<(float[], double[], double[])> shown)
    {
        double[][] energies = [.. file["energies"].ToDoubles().Chunk(spec.Points)], straight = [.. file["straight"].ToDoubles().Chunk(spec.Points)];
        double[] residuals = file["residuals"].ToDoubles(), peaks = file["peaks"].ToDoubles(), straightPeaks = file["straightPeaks"].ToDoubles(), positions = file["positions"].ToDoubles();
        for (int path = 0; path < block.Count; path++)
        {
            double[] here = positions[(path * spec.Points * length)..((path + 1) * spec.Points * length)];
            int highest = Array.IndexOf(energies[path], energies[path].Max());
            double ends = Math.Max(energies[path][0], energies[path][^1]);
            paths.Add(new PathSummary(
                block.Offset + path, energies[path][0], energies[path][^1], peaks[path] - ends, straightPeaks[path] - ends, highest, Length(here, length),
                ElasticBand.Distance(here.AsSpan(0, length), here.AsSpan(here.Length - length)), residuals[path]));
            if (shown.Count < Drawn)
                shown.Add((rows[(path * spec.Points * length)..((path + 1) * spec.Points * length)], energies[path], straight[path]));
        }
    }

    private static double Length(double[] path, int length)
    {
        double sum = 0;
        for (int at = length; at < path.Length; at += length)
            sum += ElasticBand.Distance(path.AsSpan(at - length, length), path.AsSpan(at, length));
        return sum;
    }

    /// <summary>A path per row of the picture; points of the plane as a scatter.</summary>
    private void Draw(IResultWriter files, List<(float[] Rows, double[] Energies, double[] Straight)> shown)
    {
        if (input is null)
            return;
        var all = new TensorPayload([shown.Count * spec.Points, .. input.Shape], [.. shown.SelectMany(path => path.Rows)]);
        if (images.EncodeGrid(all, input, spec.Points) is { Length: > 0 } png)
            files.Write("paths.png", "image/png", stream => stream.Write(png));
    }

    private LinePlot Plot((float[] Rows, double[] Energies, double[] Straight) path)
    {
        double[] x = [.. Enumerable.Range(0, spec.Points).Select(point => (double)point / (spec.Points - 1))];
        var straight = new PlotSeries("straight", x, path.Straight) { Stroke = PlotStroke.Dashed };
        return new LinePlot("Energy along the first path", "share of the path's points", "E(x)",
            spec.Steps == 0 ? [straight] : [new PlotSeries("least energy", x, path.Energies), straight]);
    }

    private static float[] Floats(SafetensorsFile? file, string name, int count)
    {
        if (file is not null)
            return Array.ConvertAll(file[name].ToDoubles(), value => (float)value);
        var missing = new float[count];
        Array.Fill(missing, float.NaN);
        return missing;
    }

    private IEnumerable<(BlockPlan Block, SafetensorsFile? File)> Files() => InterpolationJobType.PlanOf(spec).Blocks.Select(block =>
        (block, _byIndex.TryGetValue(block.Index, out BlockResult? result) ? SafetensorsFile.Read(result.Read()) : null));
}

/// <summary>The file interpolation.json.</summary>
internal sealed record InterpolationReport(int Paths, IReadOnlyList<PathSummary> Summaries);

/// <param name="Barrier">The highest energy along the path, at its points and at nine between each two, less that of its higher end.</param>
/// <param name="StraightBarrier">The same of the straight path.</param>
/// <param name="HighestPoint">Which of its points is the highest, from 0.</param>
/// <param name="Length">Of the path, L2.</param>
/// <param name="StraightLength">Of the straight path, L2.</param>
/// <param name="ResidualForce">The largest norm of a gradient across the path: 0 on a path of least energy.</param>
internal sealed record PathSummary(
    int Path, double EnergyFrom, double EnergyTo, double Barrier, double StraightBarrier, int HighestPoint, double Length, double StraightLength,
    double ResidualForce);

/// <summary>The file card.json. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record InterpolationCard(
    IReadOnlyList<JobModel> Models, InterpolationSpec Spec, string Device, string Runtime, string Software, int PathsDone, bool Complete, string Stopped,
    string Determinism)
{
    public const string Scope =
        "No random numbers. On a CPU, the same rows, model digest and spec give the same bits on the same kind of processor with the same runtime, after a pause or a "
        + "killed process too. An elastic band finds a path of least energy near the straight one, not the lowest of all; with few steps its residual force is "
        + "not 0 yet. Energies are unnormalised: only differences along a path mean something. On CUDA none of this is tested.";
}
