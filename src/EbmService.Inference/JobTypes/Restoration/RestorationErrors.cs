using EbmService.Core.Models;
using EbmService.Core.Restoration;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>Errors and coverage of inputs, taken in block by block: some numbers of each input are kept.</summary>
internal sealed class RestorationErrors(InputSchema input)
{
    private const string Restored = "restored", Sample = "sample", MeanFill = "meanFill", Nearest = "nearest", NearestMean = "nearestMean", Damaged = "damaged";

    private readonly int _length = input.Length();
    private readonly double _range = input.Max - input.Min;
    private readonly Dictionary<string, List<ImageErrors>> _methods = [];
    private readonly List<double> _energies = [], _coverage = [], _width = [], _samplesCoverage = [], _samplesWidth = [];
    private readonly long[] _numbers = new long[IntervalFit.Edges.Length], _inside = new long[IntervalFit.Edges.Length];
    private int _restored;
    private int _judged;

    public int Diverged { get; set; }

    /// <param name="intervals">(items, 2, length).</param>
    public void Add(RestoredBlock block, int inputs, RestorationSpec spec, float[] intervals, IntervalFit fit)
    {
        byte[] known = block.Bytes(RestoredBlock.Known);
        float[] deviation = block.Floats(RestoredBlock.Deviation);
        float[]? truth = spec.Truth is null ? null : block.Floats(RestoredBlock.Truth);
        AddIntervals(inputs, known, deviation, truth, intervals, fit);
        AddPlainIntervals(inputs, known, truth, block.Floats(RestoredBlock.Low), block.Floats(RestoredBlock.High));
        double[] energies = block.Doubles(RestoredBlock.Energies);
        for (int item = 0; item < inputs; item++)
            _energies.Add(energies.Skip(item * spec.Samples).Take(spec.Samples).Average());
        _restored += inputs;
        if (truth is null)
            return;
        _judged += inputs;
        AddMethod(Restored, block.Floats(RestoredBlock.Mean), _length, inputs, truth, known);
        AddMethod(Sample, block.Floats(RestoredBlock.Samples), spec.Samples * _length, inputs, truth, known);
        if (block.Has(RestoredBlock.Fill))
            AddMethod(MeanFill, block.Floats(RestoredBlock.Fill), _length, inputs, truth, known);
        if (block.Has(RestoredBlock.Nearest))
            AddMethod(Nearest, block.Floats(RestoredBlock.Nearest), _length, inputs, truth, known);
        if (block.Has(RestoredBlock.NearestMean))
            AddMethod(NearestMean, block.Floats(RestoredBlock.NearestMean), _length, inputs, truth, known);
        if (!spec.Damage.HasMissing && spec.Damage.Kind != DamageKind.Matrix)
            AddMethod(Damaged, BroughtBack(spec.Damage, input, block.Floats(RestoredBlock.Observed)), _length, inputs, truth, known);
    }

    /// <summary>What was observed, in the shape of inputs and within their range.</summary>
    public static float[] BroughtBack(Damage damage, InputSchema input, float[] observed)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<int> shape = damage.Observed(input.Shape);
        Tensor seen = tensor(observed, [observed.Length / shape.Aggregate(1, (product, size) => product * size), .. shape.Select(size => (long)size)]);
        return Array.ConvertAll(Formats.TensorConversions.ToFloats(LinearOperator.Create(damage, input).BringBack(seen).contiguous()),
            value => Math.Clamp(value, (float)input.Min, (float)input.Max));
    }

    public RestorationSummary Summarise(RestorationSpec spec, double[]? scales, IntervalFit fit)
    {
        IntervalGroup[] groups = [.. Enumerable.Range(0, IntervalFit.Edges.Length).Select(group => new IntervalGroup(
            IntervalFit.Edges[group] * _range, scales?[group] is { } scale && double.IsFinite(scale) ? scale : null, fit.CountOf(group), _numbers[group], _numbers[group] == 0 ? null : (double)_inside[group] / _numbers[group]))];
        var intervals = new IntervalReport(
            scales is null ? "samples" : "calibrated", spec.Level, scales is null ? null : fit.Floor, spec.Calibration?.Count ?? 0, Estimate.Of(_coverage),
            Estimate.Of(_width), Estimate.Of(_samplesCoverage), Estimate.Of(_samplesWidth), groups);
        return new RestorationSummary(spec.Count, _restored, _judged, spec.Samples, Estimate.Of(_energies), Diverged, Errors(), intervals);
    }

    private Dictionary<string, MethodErrors> Errors() => _methods.ToDictionary(method => method.Key, method => new MethodErrors(
        Mean(method.Value, error => error.Mse)!, Mean(method.Value, error => error.MseUnknown)!, Mean(method.Value, error => error.Psnr)!,
        method.Value[0].Ssim is null ? null : Mean(method.Value, error => error.Ssim!.Value),
        method.Key == Restored ? null : Estimate.Of([.. _methods[Restored].Zip(method.Value, (own, other) => own.Psnr - other.Psnr)])));

    private static Estimate? Mean(List<ImageErrors> errors, Func<ImageErrors, double> select) => Estimate.Of([.. errors.Select(select)]);

    private void AddMethod(string method, float[] rows, int stride, int inputs, float[] truth, byte[] known)
    {
        if (!_methods.TryGetValue(method, out List<ImageErrors>? errors))
            _methods[method] = errors = [];
        bool isPicture = input is { Kind: InputKind.Image, Shape.Count: 3 };
        for (int item = 0; item < inputs; item++)
        {
            ReadOnlySpan<float> row = rows.AsSpan(item * stride, _length), right = truth.AsSpan(item * _length, _length);
            double meanSquare = ImageErrors.MeanSquare(row, right);
            errors.Add(new ImageErrors(
                meanSquare, ImageErrors.MeanSquareOfUnknown(row, right, known.AsSpan(item * _length, _length)), ImageErrors.PsnrOf(meanSquare, _range),
                isPicture ? ImageErrors.SsimOf(row, right, input.Shape[0], input.Shape[1], input.Shape[2], _range) : null));
        }
    }

    private void AddIntervals(int inputs, byte[] known, float[] deviation, float[]? truth, float[] intervals, IntervalFit fit)
    {
        for (int item = 0; item < inputs; item++)
        {
            int unknown = 0, inside = 0;
            double width = 0;
            for (int i = 0; i < _length; i++)
            {
                int at = item * _length + i;
                if (known[at] != 0)
                    continue;
                (float low, float high) = (intervals[(2 * item * _length) + i], intervals[((2 * item + 1) * _length) + i]);
                unknown++;
                width += high - low;
                if (truth is null)
                    continue;
                int holds = truth[at] >= low && truth[at] <= high ? 1 : 0, group = fit.GroupOf(deviation[at]);
                inside += holds;
                _numbers[group]++;
                _inside[group] += holds;
            }
            if (unknown == 0)
                continue;
            _width.Add(width / unknown);
            if (truth is not null)
                _coverage.Add((double)inside / unknown);
        }
    }

    private void AddPlainIntervals(int inputs, byte[] known, float[]? truth, float[] low, float[] high)
    {
        for (int item = 0; item < inputs; item++)
        {
            int[] unknown = [.. Enumerable.Range(item * _length, _length).Where(i => known[i] == 0)];
            if (unknown.Length == 0)
                continue;
            _samplesWidth.Add(unknown.Average(i => (double)high[i] - low[i]));
            if (truth is not null)
                _samplesCoverage.Add((double)unknown.Count(i => truth[i] >= low[i] && truth[i] <= high[i]) / unknown.Length);
        }
    }
}
