using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>
/// Makes a robustness job's files, one block in memory at a time: robustness.json and robustness.png (accuracy over radius), rows.csv, adversarial.npy of
/// each curve, examples.png and card.json. Rows that were not reached, after a cancel, are NaN.
/// </summary>
internal sealed class RobustnessResults(JobDefinition job, RobustnessSpec spec, IReadOnlyList<BlockResult> blocks, InputSchema input)
{
    private const string Json = "application/json";

    private readonly Dictionary<int, BlockResult> _byIndex = blocks.ToDictionary(block => block.Block.Index);
    private readonly int _length = input.Length();

    public void Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        CurveCount[] counts = [.. spec.Curves.Select(curve => new CurveCount(curve, spec.Radii.Count))];
        files.Write("rows.csv", "text/csv", stream => WriteRows(stream, counts));
        RobustnessCurve[] curves = [.. counts.Select(count => count.ToCurve(spec))];
        var summary = new RobustnessSummary(
            spec.Method, spec.Norm, "radii are as if the model's range were [0, 1]", input.Max - input.Min, spec.Rows.Count, curves);
        files.Write("robustness.json", Json, stream => JsonSerializer.Serialize(stream, summary, EbmJson.Indented));
        files.Write("robustness.png", "image/png", stream => stream.Write(PlotRenderer.Render(RobustnessPictures.Plot(spec, curves))));
        foreach (AttackCurve curve in spec.Curves)
            files.Write(FileOf(curve), NpyFormat.MediaType, stream => WritePoints(stream, curve));
        if (input.Kind == InputKind.Image && blocks.Count > 0)
            files.Write("examples.png", "image/png", stream => stream.Write(RobustnessPictures.Examples(spec, SafetensorsFile.Read(blocks[0].Read()), input)));
        bool complete = counts.All(count => count.Rows == spec.Rows.Count);
        var card = new RobustnessCard(
            job.Models, spec, device.Kind, device.Runtime, ServiceSoftware.Text, curves, complete, stopped, RobustnessCard.Scope, RobustnessCard.Bits);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
    }

    internal static string FileOf(AttackCurve curve) =>
        curve == AttackCurve.Direct ? "adversarial.npy" : $"adversarial-{JsonNamingPolicy.CamelCase.ConvertName(curve.ToString())}.npy";

    /// <summary>A line per row and curve; counts them on the way.</summary>
    private void WriteRows(Stream stream, CurveCount[] counts)
    {
        using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("row,curve,label,predicted,outcome,radius,attacked,distance");
        foreach (BlockPlan block in RobustnessJobType.PlanOf(spec).Blocks)
        {
            if (Read(block.Index) is not { } file)
                continue;
            long[] labels = file["labels"].ToInt64();
            foreach (CurveCount count in counts)
            {
                AttackRecord record = AttackRecord.Read(count.Curve, file, block.Count, _length);
                for (int row = 0; row < block.Count; row++)
                {
                    if (record.FooledAt[row] == AttackRecord.NotReached)
                        continue;
                    count.Add((int)record.FooledAt[row]);
                    writer.WriteLine(Line(block.Offset + row, count.Curve, labels[row], record, row));
                }
            }
        }
    }

    /// <summary>Radius and distance in units of a range [0, 1].</summary>
    private string Line(int index, AttackCurve curve, long label, AttackRecord record, int row)
    {
        int at = (int)record.FooledAt[row];
        (string outcome, string radius) = at == AttackRecord.CleanWrong ? ("wrong", "0")
            : at == spec.Radii.Count ? ("robust", "") : ("fooled", spec.Radii[at].ToString("R", CultureInfo.InvariantCulture));
        return string.Create(CultureInfo.InvariantCulture,
            $"{index},{JsonNamingPolicy.CamelCase.ConvertName(curve.ToString())},{label},{record.Clean[row]},{outcome},{radius},{record.Attacked[row]},{record.Distances[row] / (input.Max - input.Min):G6}");
    }

    private void WritePoints(Stream stream, AttackCurve curve)
    {
        // A tensor without numbers is written as the header alone.
        stream.Write(NpyFormat.Write(new TensorPayload([spec.Rows.Count, .. input.Shape], [])));
        foreach (BlockPlan block in RobustnessJobType.PlanOf(spec).Blocks)
        {
            AttackRecord record = Read(block.Index) is { } file ? AttackRecord.Read(curve, file, block.Count, _length) : new AttackRecord(block.Count, _length);
            for (int row = 0; row < block.Count; row++)
            {
                if (record.FooledAt[row] == AttackRecord.NotReached)
                    record.PointOf(row).Fill(float.NaN);
            }
            stream.Write(MemoryMarshal.AsBytes(record.Points.AsSpan()));
        }
    }

    private SafetensorsFile? Read(int block) => _byIndex.TryGetValue(block, out BlockResult? result) ? SafetensorsFile.Read(result.Read()) : null;
}

/// <summary>Rows of a curve by what became of them.</summary>
internal sealed class CurveCount(AttackCurve curve, int radii)
{
    private readonly int[] _fooledAt = new int[radii + 2];

    public AttackCurve Curve => curve;

    public int Rows { get; private set; }

    /// <param name="fooledAt">As <see cref="AttackRecord.FooledAt"/>.</param>
    public void Add(int fooledAt)
    {
        Rows++;
        _fooledAt[fooledAt + 1]++;
    }

    public RobustnessCurve ToCurve(RobustnessSpec spec)
    {
        int right = Rows;
        var points = new List<RobustnessPoint>();
        foreach ((int i, double radius) in spec.Radii.Prepend(0).Index())
        {
            right -= _fooledAt[i];
            points.Add(RobustnessPoint.Of(radius, right, Rows));
        }
        return new RobustnessCurve(curve, Text(spec), Rows, points);
    }

    private string Text(RobustnessSpec spec) => curve switch
    {
        AttackCurve.Direct => "the model's classifier",
        AttackCurve.Refined => $"the model's classifier after {spec.Refinement!.Chain.Steps} steps of refinement, mean of {spec.Refinement.Chains} chains",
        AttackCurve.Source => "the source's classifier",
        _ => "the model's classifier, examples made on the source",
    };
}

/// <summary>The file robustness.json.</summary>
/// <param name="Scale">In words.</param>
/// <param name="Range">What a radius is multiplied by to be in the input's own units.</param>
internal sealed record RobustnessSummary(
    AttackMethod Method, AttackNorm Norm, string Scale, double Range, int Rows, IReadOnlyList<RobustnessCurve> Curves);

/// <summary>Accuracy over radius of one classifier under one kind of attack.</summary>
/// <param name="Rows">That the attack has ended on: fewer than all after a cancel.</param>
/// <param name="Points">Ascending; the first is radius 0.</param>
internal sealed record RobustnessCurve(AttackCurve Curve, string Text, int Rows, IReadOnlyList<RobustnessPoint> Points);

/// <param name="Right">Rows still classified right.</param>
/// <param name="Low">Lower end of the 95 % interval of the share (Wilson 1927): rows are a sample of all there could be.</param>
internal sealed record RobustnessPoint(double Radius, int Right, double? Accuracy, double? Low, double? High)
{
    public static RobustnessPoint Of(double radius, int right, int rows)
    {
        if (rows == 0)
            return new RobustnessPoint(radius, 0, null, null, null);
        const double z = 1.959964;
        double share = right / (double)rows, weight = 1 / (1 + z * z / rows);
        double middle = weight * (share + z * z / (2 * rows)), half = weight * z * Math.Sqrt(share * (1 - share) / rows + z * z / (4.0 * rows * rows));
        return new RobustnessPoint(radius, right, share, Math.Max(0, middle - half), Math.Min(1, middle + half));
    }
}

/// <summary>The file card.json: everything needed to understand and reproduce a result. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record RobustnessCard(
    IReadOnlyList<JobModel> Models, RobustnessSpec Spec, string Device, string Runtime, string Software, IReadOnlyList<RobustnessCurve> Curves, bool Complete,
    string Stopped, string Proves, string Determinism)
{
    public const string Scope =
        "Every example in the files is within its radius and range and is misclassified: these rows are not robust, for certain. A row that withstood is not shown to be robust: a stronger attack may "
        + "fool it, so each accuracy is an upper bound of the robust accuracy at that radius. Radii build on one another: what is fooled at one counts at all larger ones. Refined: the classifier's "
        + "noise is one draw per row, which the attack doesn't see; the attack averages its gradient over as many chains of its own, with new noise at every step. Longer chains and few averages hide gradients, and a curve "
        + "above the direct one is no defence until attacks of more steps, chains and restarts have failed too. Transfer: examples follow the source's gradient alone, weaker than any direct attack. Only "
        + "these rows and this norm were tried.";

    public const string Bits =
        "On a CPU, the same rows, model digests and spec give the same bits on the same kind of processor with the same runtime: in any block size, whatever else "
        + "runs beside it, after a pause or a killed process. A cancel leaves the rows that were not reached as NaN. On CUDA none of this is tested.";
}
