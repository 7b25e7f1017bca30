using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Core.Tensors;
using EbmService.Inference.JobTypes.Sampling;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>
/// Makes a restoration's files, a block in memory at a time: restored.npy (means), samples.npy, std.npy, intervals.npy (low and high), damaged.npy where
/// the job did the damage, restoration.json, restoration.png and card.json. Inputs that were not reached, after a cancel, are NaN.
/// </summary>
internal sealed class RestorationResults(
    JobDefinition job, RestorationSpec spec, JobPlan plan, IReadOnlyList<BlockResult> blocks, InputSchema input, IImageCodec images)
{
    private const string Json = "application/json";

    private readonly int _length = input.Length();
    private readonly Dictionary<int, BlockResult> _byIndex = blocks.ToDictionary(block => block.Block.Index);
    private IntervalFit _fit = new(input.Max - input.Min);
    private double[]? _scales;

    public void Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        Calibrate();
        RestorationErrors errors = Measure();
        IReadOnlyList<int> shape = [spec.Count, .. input.Shape];
        WriteArray(files, "restored.npy", shape, 1, block => block.Floats(RestoredBlock.Mean));
        WriteArray(files, "samples.npy", [spec.Count, spec.Samples, .. input.Shape], spec.Samples, block => block.Floats(RestoredBlock.Samples));
        WriteArray(files, "std.npy", shape, 1, block => block.Floats(RestoredBlock.Deviation));
        WriteArray(files, "intervals.npy", [spec.Count, 2, .. input.Shape], 2, Intervals);
        if (spec.Damaged is null)
        {
            IReadOnlyList<int> observed = spec.Damage.Observed(input.Shape);
            WriteArray(files, "damaged.npy", [spec.Count, .. observed], (double)observed.Aggregate(1, (a, b) => a * b) / _length, block => block.Floats(RestoredBlock.Observed));
        }
        RestorationSummary summary = errors.Summarise(spec, _scales, _fit);
        files.Write("restoration.json", Json, stream => JsonSerializer.Serialize(stream, summary, EbmJson.Indented));
        byte[] picture = new RestorationPicture(spec, input, images).Draw(Read());
        if (picture.Length > 0)
            files.Write("restoration.png", "image/png", stream => stream.Write(picture));
        int items = Read().Where(block => block.IsDone).Sum(block => block.Block.Count);
        var card = new RestorationCard(
            job.Models, spec, device.Kind, device.Runtime, ServiceSoftware.Text, Target(), spec.Count, summary.Restored, items == spec.Items, stopped, IntervalText(), RestorationCard.Same);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
    }

    private IEnumerable<RestoredBlock> Read() => plan.Blocks.Where(block => _byIndex.ContainsKey(block.Index)).Select(block => RestoredBlock.Read(_byIndex[block.Index]));

    /// <summary>How many items of a block are inputs; they come first.</summary>
    private int InputsOf(BlockPlan block) => Math.Clamp(spec.Count - block.Offset, 0, block.Count);

    private void Calibrate()
    {
        if (spec.Calibration is null)
            return;
        _fit = new IntervalFit(input.Max - input.Min);
        foreach (RestoredBlock block in Read().Where(block => block.IsDone && InputsOf(block.Block) < block.Block.Count))
        {
            float[] mean = block.Floats(RestoredBlock.Mean), deviation = block.Floats(RestoredBlock.Deviation), truth = block.Floats(RestoredBlock.Truth);
            byte[] known = block.Bytes(RestoredBlock.Known);
            for (int i = InputsOf(block.Block) * _length; i < mean.Length; i++)
            {
                if (known[i] == 0)
                    _fit.Add(mean[i], deviation[i], truth[i]);
            }
        }
        _scales = _fit.Fit(spec.Level);
    }

    private RestorationErrors Measure()
    {
        var errors = new RestorationErrors(input);
        foreach (RestoredBlock block in Read())
        {
            errors.Diverged += block.Diverged;
            if (block.IsDone && InputsOf(block.Block) > 0)
                errors.Add(block, InputsOf(block.Block), spec, Intervals(block), _fit);
        }
        return errors;
    }

    /// <summary>(items, 2, length): low and high of each number; of what is known exactly that itself.</summary>
    private float[] Intervals(RestoredBlock block)
    {
        float[] low = block.Floats(RestoredBlock.Low), high = block.Floats(RestoredBlock.High);
        float[] mean = block.Floats(RestoredBlock.Mean), deviation = block.Floats(RestoredBlock.Deviation);
        byte[] known = block.Bytes(RestoredBlock.Known);
        var ends = new float[2 * low.Length];
        for (int i = 0; i < low.Length; i++)
        {
            (float from, float to) = (low[i], high[i]);
            if (_scales is { } scales && known[i] == 0)
            {
                // With room for rounding: of binary samples many scores are the scale itself.
                double half = (scales[_fit.GroupOf(deviation[i])] * (deviation[i] + _fit.Floor)) + (1e-6 * (input.Max - input.Min));
                (from, to) = ((float)(mean[i] - half), (float)(mean[i] + half));
                // Numbers of pictures and binary ones can't lie outside the range.
                if (input.Kind == InputKind.Image || input.Variables != VariableKind.Continuous)
                    (from, to) = (Math.Max(from, (float)input.Min), Math.Min(to, (float)input.Max));
            }
            int at = (i / _length * 2 * _length) + (i % _length);
            (ends[at], ends[at + _length]) = (from, to);
        }
        return ends;
    }

    /// <summary>From front to back, block by block.</summary>
    /// <param name="perInput">Numbers of an input in the array over those of an input.</param>
    private void WriteArray(IResultWriter files, string name, IReadOnlyList<int> shape, double perInput, Func<RestoredBlock, float[]> select) =>
        files.Write(name, NpyFormat.MediaType, stream =>
        {
            stream.Write(NpyFormat.Write(new TensorPayload(shape, [])));
            foreach (BlockPlan block in plan.Blocks.Where(block => InputsOf(block) > 0))
            {
                int numbers = (int)Math.Round(InputsOf(block) * perInput * _length);
                float[] values;
                if (_byIndex.TryGetValue(block.Index, out BlockResult? result))
                {
                    values = select(RestoredBlock.Read(result));
                }
                else
                {
                    values = new float[numbers];
                    Array.Fill(values, float.NaN);
                }
                stream.Write(MemoryMarshal.AsBytes(values.AsSpan(0, numbers)));
            }
        });

    private string Target()
    {
        string chain = SamplingTarget.Describe(spec.Chain.ToSampling(spec.Samples, spec.Seed), spec.Steps, new ModelCapabilities { Variables = input.Variables });
        string term = spec.DataWeight is { } weight
            ? string.Create(CultureInfo.InvariantCulture, $"E is the model's energy plus {weight:G4} times the negative log likelihood of what was observed. ") : "";
        return $"{term}{chain}{(_isFixed ? " Given the numbers that are known exactly." : "")}";
    }

    private readonly bool _isFixed = spec.Damage.IsExact || (spec.Damage.Kind == DamageKind.SaltAndPepper && input.Variables == VariableKind.Continuous);

    private string IntervalText() => spec.Calibration is { } rows
        ? string.Create(CultureInfo.InvariantCulture,
            $"Fitted to hold {spec.Level:P0} of the unknown numbers of {rows.Count} other rows that the job damaged alike, on average over such rows; what they hold of the inputs is in restoration.json.")
        : string.Create(CultureInfo.InvariantCulture, $"Quantiles of the {spec.Samples} samples, calibrated by nothing: they need not hold {spec.Level:P0}. Give calibration rows for intervals that do.");
}
