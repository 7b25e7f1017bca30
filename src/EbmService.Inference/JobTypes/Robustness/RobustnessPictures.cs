using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>Draws curves of accuracy, and examples beside their originals.</summary>
internal static class RobustnessPictures
{
    private const int MostExamples = 10;

    public static LinePlot Plot(RobustnessSpec spec, IReadOnlyList<RobustnessCurve> curves)
    {
        RobustnessCurve[] known = [.. curves.Where(curve => curve.Rows > 0)];
        string attack = spec.Method == AttackMethod.Fgsm ? "FGSM" : $"PGD-{spec.Steps}";
        string norm = spec.Norm == AttackNorm.Linf ? "largest change of a number" : "Euclidean length of the change";
        return new LinePlot(
            $"Accuracy under {attack}", $"radius ({norm}, range [0, 1])", "rows still classified right",
            [.. known.Select((curve, i) => new PlotSeries(curve.Text, X(curve), Y(curve, point => point.Accuracy)) { Color = i })])
        {
            Subtitle = "an upper bound of the robust accuracy; shaded: 95 % intervals over rows",
            YRange = (0, 1),
            Bands = [.. known.Select((curve, i) => new PlotBand("", X(curve), Y(curve, point => point.Low), Y(curve, point => point.High), i))],
        };
    }

    /// <summary>Columns of originals, the smallest example of each curve, and the direct one's change, its largest number white or black.</summary>
    /// <param name="block">The first block's result.</param>
    public static byte[] Examples(RobustnessSpec spec, SafetensorsFile block, InputSchema input)
    {
        int length = input.Length(), rows = (int)block["labels"].Count;
        float[] originals = block["originals"].ToFloats();
        Dictionary<AttackCurve, AttackRecord> records = spec.Curves.ToDictionary(curve => curve, curve => AttackRecord.Read(curve, block, rows, length));
        // Rows with an example first; what was not reached, after a cancel, is grey.
        int[] shown = [.. Enumerable.Range(0, originals.Length / length).OrderBy(row => records[AttackCurve.Direct].FooledAt[row] < 0).Take(MostExamples)];
        float[] pictures =
        [
            .. shown.SelectMany(row => originals.AsSpan(row * length, length).ToArray()),
            .. records.Values.SelectMany(record => shown.SelectMany(row => record.PointOf(row).ToArray())),
            .. shown.SelectMany(row => Change(originals.AsSpan(row * length, length), records[AttackCurve.Direct].PointOf(row), input)),
        ];
        return new SkiaImageCodec().EncodeGrid(new TensorPayload([pictures.Length / length, .. input.Shape], pictures), input, shown.Length);
    }

    private static float[] Change(ReadOnlySpan<float> original, ReadOnlySpan<float> example, InputSchema input)
    {
        var change = new float[original.Length];
        for (int i = 0; i < change.Length; i++)
            change[i] = example[i] - original[i];
        float largest = Math.Max(change.Max(Math.Abs), float.Epsilon);
        (double middle, double half) = ((input.Min + input.Max) / 2, (input.Max - input.Min) / 2);
        return [.. change.Select(value => (float)(middle + half * value / largest))];
    }

    private static double[] X(RobustnessCurve curve) => [.. curve.Points.Select(point => point.Radius)];

    private static double[] Y(RobustnessCurve curve, Func<RobustnessPoint, double?> number) => [.. curve.Points.Select(point => number(point) ?? double.NaN)];
}
