using System.Globalization;
using EbmService.Core.Editing;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Editing;

/// <summary>
/// Some rows, each a step at a time without random numbers: x &lt;- x - a clip(gradient), within the range of pixels and the leash. What a row becomes
/// doesn't depend on the rows beside it.
/// </summary>
internal sealed class EditingWorkload : IWorkload
{
    /// <summary>Halvings of the way from a counterfactual back to its input.</summary>
    private const int Halvings = 12;

    private readonly EditingSpec _spec;
    private readonly BlockPlan _block;
    private readonly EnergyTiles _tiles;
    private readonly int _length;
    private readonly int _classes;
    private readonly (float Min, float Max)? _range;
    private readonly float[] _inputs;
    private readonly float[] _x;
    private readonly float[] _gradients;
    private readonly float[] _second;
    private readonly double[] _energies;
    private readonly double[] _scratch;
    private readonly double[] _logits;

    /// <summary>The class that each row goes to; -1 of projections, and of counterfactuals without one before their first step.</summary>
    private readonly int[] _targets;

    /// <summary>Of counterfactuals, the nearest found so far; else the row as it is.</summary>
    private readonly float[] _best;

    /// <summary>L2 from the input; infinite where none was found.</summary>
    private readonly double[] _distances;

    private int _step;

    /// <param name="rows">(count, input).</param>
    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public EditingWorkload(EditingSpec spec, BlockPlan block, LiveModel model, Device device, float[] rows, ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block, _tiles, _inputs, _x) = (spec, block, new EnergyTiles(model, device), rows, [.. rows]);
        InputSchema input = model.Descriptor.Input;
        (_length, _classes) = (input.Length(), model.Energy.Classes);
        _range = input.Kind == InputKind.Image ? ((float)input.Min, (float)input.Max) : null;
        (_gradients, _second) = (new float[rows.Length], new float[rows.Length]);
        (_energies, _scratch, _logits) = (new double[block.Count], new double[block.Count], new double[block.Count * Math.Max(1, _classes)]);
        _best = [.. rows];
        _distances = new double[block.Count];
        if (IsCounterfactual)
            Array.Fill(_distances, double.PositiveInfinity);
        _targets = [.. Enumerable.Range(block.Offset, block.Count).Select(row => spec.Targets?[row] ?? spec.Target ?? -1)];
        if (checkpoint is { } bytes)
            Restore(SafetensorsFile.Read(bytes));
    }

    private bool IsCounterfactual => _spec.Operation == EditingOperation.Counterfactual;

    public StepReport Advance(QuantumBudget budget)
    {
        StepReport report = BlockSteps.Advance(_block, budget, ref _step, Step);
        return report with { Metrics = Metrics() };
    }

    private void Step()
    {
        if (_step == 0)
            ChooseTargets();
        Move();
        if (IsCounterfactual)
            Approach();
        else
            TakeAll();
    }

    public byte[] Save() => Write([]);

    public byte[] Finish()
    {
        var before = new double[_block.Count];
        _tiles.Energies(_inputs, null, before);
        var after = new double[_block.Count];
        _tiles.Energies(_best, null, after);
        var more = new Dictionary<string, double[]> { ["energyBefore"] = before, ["energyAfter"] = after };
        if (_classes > 0)
        {
            // Of the very rows that the files hold: what the model says of them anew, not what the search remembers.
            more["classBefore"] = ClassesOf(_inputs, _ => -1).Classes;
            (more["classAfter"], more["confidence"]) = ClassesOf(_best, row => _targets[row]);
        }
        return Write(more);
    }

    public void Dispose()
    {
        // Holds no tensors between steps.
    }

    /// <summary>Counterfactuals without a target go to the class that is the second most likely at the input.</summary>
    private void ChooseTargets()
    {
        if (!IsCounterfactual || !_targets.Contains(-1))
            return;
        _tiles.Logits(_inputs, _block.Count, _logits);
        for (int row = 0; row < _block.Count; row++)
        {
            double[] logits = _logits[(row * _classes)..((row + 1) * _classes)];
            if (_targets[row] < 0)
                _targets[row] = Enumerable.Range(0, _classes).OrderByDescending(each => logits[each]).Skip(1).First();
        }
    }

    private void Move()
    {
        TakeGradients();
        for (int row = 0; row < _block.Count; row++)
        {
            Span<float> x = _x.AsSpan(row * _length, _length), gradient = _gradients.AsSpan(row * _length, _length);
            Clip(gradient);
            for (int i = 0; i < _length; i++)
            {
                float moved = x[i] - (float)_spec.StepSize * gradient[i];
                x[i] = _range is { } range ? Math.Clamp(moved, range.Min, range.Max) : moved;
            }
            KeepOnLeash(row);
        }
    }

    /// <summary>Of E(x), of E(x, y), or of -log p(y | x) + w E(x) = E(x, y) - (1 - w) E(x).</summary>
    private void TakeGradients()
    {
        int[]? labels = _spec.Operation == EditingOperation.Project ? null : _targets;
        _tiles.Gradients(_x, labels, _energies, _gradients);
        if (!IsCounterfactual)
            return;
        _tiles.Gradients(_x, null, _scratch, _second);
        float weight = 1 - (float)_spec.EnergyWeight!.Value;
        for (int i = 0; i < _gradients.Length; i++)
            _gradients[i] -= weight * _second[i];
    }

    private void Clip(Span<float> gradient)
    {
        GradientClip clip = _spec.GradientClip;
        float limit = (float)clip.Limit;
        if (clip.Kind == GradientClipKind.Value)
        {
            for (int i = 0; i < gradient.Length; i++)
                gradient[i] = Math.Clamp(gradient[i], -limit, limit);
        }
        else if (clip.Kind == GradientClipKind.Norm)
        {
            double norm = 0;
            foreach (float value in gradient)
                norm += (double)value * value;
            norm = Math.Sqrt(norm);
            for (int i = 0; i < gradient.Length && norm > limit; i++)
                gradient[i] *= (float)(limit / norm);
        }
    }

    private void KeepOnLeash(int row)
    {
        if (_spec.Leash is not { } leash || DistanceOf(_x, row) is not (var distance and > 0) || distance <= leash)
            return;
        Blend(row, leash / distance, _x, _x);
    }

    /// <summary>Where the class is the wanted one, halves the way back to the input and goes on from the nearest point that still has it.</summary>
    private void Approach()
    {
        bool[] found = Flipped(_x);
        double[] far = [.. found.Select(flipped => flipped ? 1.0 : 0.0)], near = new double[far.Length];
        var trial = (float[])_x.Clone();
        for (int halving = 0; halving < Halvings && found.Contains(true); halving++)
        {
            for (int row = 0; row < found.Length; row++)
            {
                if (found[row])
                    Blend(row, (near[row] + far[row]) / 2, _x, trial);
            }
            bool[] holds = Flipped(trial);
            for (int row = 0; row < found.Length; row++)
            {
                double middle = (near[row] + far[row]) / 2;
                (near[row], far[row]) = holds[row] ? (near[row], middle) : (middle, far[row]);
            }
        }
        for (int row = 0; row < found.Length; row++)
        {
            if (!found[row])
                continue;
            Blend(row, far[row], _x, _x);
            if (DistanceOf(_x, row) is var distance && distance < _distances[row])
            {
                _distances[row] = distance;
                _x.AsSpan(row * _length, _length).CopyTo(_best.AsSpan(row * _length));
            }
        }
    }

    private void TakeAll()
    {
        _x.CopyTo(_best, 0);
        for (int row = 0; row < _block.Count; row++)
            _distances[row] = DistanceOf(_x, row);
    }

    /// <summary>Writes input + share (x - input) of a row.</summary>
    private void Blend(int row, double share, float[] x, float[] to)
    {
        for (int i = row * _length; i < (row + 1) * _length; i++)
            to[i] = share == 1 ? x[i] : (float)(_inputs[i] + share * ((double)x[i] - _inputs[i]));
    }

    private bool[] Flipped(float[] rows)
    {
        (double[] classes, double[] confidences) = ClassesOf(rows, row => _targets[row]);
        return [.. Enumerable.Range(0, _block.Count).Select(row => (int)classes[row] == _targets[row] && confidences[row] >= _spec.Confidence!.Value)];
    }

    /// <summary>The most likely class of each row, and p(target | x).</summary>
    private (double[] Classes, double[] Confidences) ClassesOf(float[] rows, Func<int, int> targetOf)
    {
        _tiles.Logits(rows, _block.Count, _logits);
        var classes = new double[_block.Count];
        var confidences = new double[_block.Count];
        for (int row = 0; row < _block.Count; row++)
        {
            ReadOnlySpan<double> logits = _logits.AsSpan(row * _classes, _classes);
            int best = 0;
            for (int each = 1; each < _classes; each++)
                best = logits[each] > logits[best] ? each : best;
            double sum = 0;
            foreach (double logit in logits)
                sum += Math.Exp(logit - logits[best]);
            classes[row] = best;
            confidences[row] = Math.Exp(logits[targetOf(row) is >= 0 and var target ? target : best] - logits[best]) / sum;
        }
        return (classes, confidences);
    }

    private double DistanceOf(float[] rows, int row)
    {
        double sum = 0;
        for (int i = row * _length; i < (row + 1) * _length; i++)
            sum += ((double)rows[i] - _inputs[i]) * ((double)rows[i] - _inputs[i]);
        return Math.Sqrt(sum);
    }

    private Dictionary<string, double> Metrics()
    {
        if (_step == 0)
            return [];
        _tiles.Energies(_best, null, _scratch);
        double[] finite = [.. _distances.Where(double.IsFinite)];
        var metrics = new Dictionary<string, double> { [EditingJob.EnergyMean] = _scratch.Average() };
        metrics[EditingJob.Edited] = finite.Length;
        if (_spec.Operation != EditingOperation.Project)
            metrics[EditingJob.Reached] = IsCounterfactual ? finite.Length : ClassesOf(_best, row => _targets[row]).Classes.Index().Count(one => (int)one.Item == _targets[one.Index]);
        if (finite.Length > 0)
            metrics[EditingJob.DistanceMean] = finite.Average();
        return metrics;
    }

    private byte[] Write(Dictionary<string, double[]> more)
    {
        Dictionary<string, SafetensorsTensor> tensors = more.ToDictionary(one => one.Key, one => SafetensorsTensor.FromDoubles(one.Value, [one.Value.Length]));
        tensors["x"] = SafetensorsTensor.FromFloats(_x, [_block.Count, _length]);
        tensors["best"] = SafetensorsTensor.FromFloats(_best, [_block.Count, _length]);
        tensors["distances"] = SafetensorsTensor.FromDoubles(_distances, [_block.Count]);
        tensors["targets"] = SafetensorsTensor.FromInt64([.. _targets.Select(target => (long)target)], [_block.Count]);
        return SafetensorsFile.Write(tensors, new Dictionary<string, string> { ["step"] = _step.ToString(CultureInfo.InvariantCulture) });
    }

    private void Restore(SafetensorsFile file)
    {
        if (!int.TryParse(file.Metadata.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out int step) || step < 0 || step > _block.Steps)
            throw new InvalidCheckpointException("the checkpoint has no step of this block");
        float[] x = file["x"].ToFloats(), best = file["best"].ToFloats();
        double[] distances = file["distances"].ToDoubles();
        long[] targets = file["targets"].ToInt64();
        if (x.Length != _x.Length || best.Length != _best.Length || distances.Length != _distances.Length || targets.Length != _targets.Length)
            throw new InvalidCheckpointException("the checkpoint is not of this block");
        _step = step;
        x.CopyTo(_x, 0);
        best.CopyTo(_best, 0);
        distances.CopyTo(_distances, 0);
        Array.ConvertAll(targets, target => (int)target).CopyTo(_targets, 0);
    }
}
