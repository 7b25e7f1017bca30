using EbmService.Core.Assessment;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Assessment;

/// <summary>Scores one block of rows of one set, a padded tile a step, as queries do.</summary>
internal sealed class AssessmentWorkload : IWorkload
{
    /// <summary>Further tensors of a block: p-values of the default score, and of labelled rows whether the verdict was right and how sure it was, before and after the temperature.</summary>
    public const string PValues = "$pValues", Hits = "$hits", Confidence = "$confidence", Scaled = "$scaled";

    /// <summary>What p-values of each score compare with: how many rows.</summary>
    public const string Compared = "$compared.";

    private readonly AssessmentSpec _spec;
    private readonly BlockPlan _block;
    private readonly LiveModel _model;
    private readonly OodCalibration? _calibration;
    private readonly Device _device;
    private readonly float[] _rows;
    private readonly int[]? _labels;
    private readonly bool _isInside;
    private readonly bool _chains;
    private readonly Dictionary<string, float[]> _outputs = [];
    private int _step;

    /// <param name="rows">The block's rows, (count, input).</param>
    /// <param name="labels">Their classes; null where they are not known or don't matter.</param>
    /// <param name="checkpoint">Null to begin.</param>
    public AssessmentWorkload(
        AssessmentSpec spec, BlockPlan block, LiveModel model, OodCalibration? calibration, Device device, float[] rows, int[]? labels,
        ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block, _model, _calibration, _device, _rows, _labels) = (spec, block, model, calibration, device, rows, labels);
        _isInside = spec.Place(block).Set == 0;
        _chains = spec.Scores.Any(OodScorer.Chain.Contains);
        if (spec.Scores.Except(OodPass.Names(model.Energy, calibration, _chains)).FirstOrDefault() is { } missing)
        {
            throw new FailureException(new Failure(FailureCode.NotSupported,
                $"The calibration '{spec.Calibration}' of '{model.Hosted.Key}' has no score '{missing}'.", $"It has: {string.Join(", ", calibration?.Names ?? [])}."));
        }
        foreach (string name in spec.Scores.Append(PValues).Concat(_isInside ? spec.Scores.Select(PValueOf) : []).Concat(labels is null ? [] : [Hits, Confidence, Scaled]))
            _outputs[name] = new float[block.Count];
        if (checkpoint is { } bytes)
            Restore(SafetensorsFile.Read(bytes));
    }

    private int Done => Math.Min(_block.Count, _step * AssessmentJob.TileRows);

    public static string PValueOf(string score) => PValues + "." + score;

    public StepReport Advance(QuantumBudget budget)
    {
        StepReport report = BlockSteps.Advance(_block, budget, ref _step, () => ScoreTile(Done));
        return report with { Metrics = Metrics() };
    }

    public byte[] Save() => Finish();

    public byte[] Finish()
    {
        Dictionary<string, SafetensorsTensor> tensors = _outputs.ToDictionary(
            output => output.Key, output => SafetensorsTensor.FromFloats(output.Value.AsSpan(0, Done), [Done]));
        tensors["$step"] = SafetensorsTensor.FromInt64([_step], [1]);
        foreach (string score in _spec.Scores)
            tensors[Compared + score] = SafetensorsTensor.FromInt64([_calibration?.CountOf(score) ?? 0], [1]);
        return SafetensorsFile.Write(tensors);
    }

    public void Dispose()
    {
        // Holds no tensors between steps.
    }

    private void ScoreTile(int first)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int length = _model.Descriptor.Input.Length(), count = Math.Min(AssessmentJob.TileRows, _block.Count - first);
        var padded = new float[AssessmentJob.TileRows * length];
        _rows.AsSpan(first * length, count * length).CopyTo(padded);
        Tensor tile = tensor(padded, [AssessmentJob.TileRows, .. _model.Descriptor.Input.Shape.Select(size => (long)size)]).to(_device);
        Dictionary<string, float[]> scores = OodPass.Score(_model.Energy, _model.Descriptor, tile, _calibration, _chains);
        foreach (string score in _spec.Scores)
            scores[score].AsSpan(0, count).CopyTo(_outputs[score].AsSpan(first));
        for (int row = 0; row < count; row++)
        {
            _outputs[PValues][first + row] = PValue(_spec.Score, scores[_spec.Score][row]);
            foreach (string score in _isInside ? _spec.Scores : [])
                _outputs[PValueOf(score)][first + row] = PValue(score, scores[score][row]);
        }
        if (_labels is not null)
            Classify(tile, first, count);
    }

    private float PValue(string score, float value) =>
        _calibration?.Has(score) == true ? (float)_calibration.PValue(score, value) : float.NaN;

    private void Classify(Tensor tile, int first, int count)
    {
        int classes = _model.Energy.Classes;
        float[] logits = _model.Energy.Logits(tile)!.to(ScalarType.Float32).ToFloats();
        float[] before = TemperatureFit.Probabilities(logits, classes, 1);
        float[] after = TemperatureFit.Probabilities(logits, classes, _calibration?.Temperature ?? 1);
        for (int row = 0; row < count; row++)
        {
            int best = before.AsSpan(row * classes, classes).IndexOf(before.AsSpan(row * classes, classes).ToArray().Max());
            _outputs[Hits][first + row] = best == _labels![first + row] ? 1 : 0;
            _outputs[Confidence][first + row] = best < 0 ? 0 : before[row * classes + best];
            _outputs[Scaled][first + row] = best < 0 ? 0 : after[row * classes + best];
        }
    }

    private Dictionary<string, double> Metrics()
    {
        var metrics = new Dictionary<string, double> { [AssessmentJob.Scored] = Done };
        double[] pValues = _isInside ? [.. _outputs[PValues].Take(Done).Where(float.IsFinite).Select(value => (double)value)] : [];
        if (pValues.Length > 0)
            (metrics[AssessmentJob.PValueMean], metrics[AssessmentJob.PValues]) = (pValues.Average(), pValues.Length);
        return metrics;
    }

    private void Restore(SafetensorsFile file)
    {
        _step = (int)file["$step"].ToInt64()[0];
        if (_step < 0 || _step > _block.Steps)
            throw new InvalidCheckpointException("the checkpoint has no step of this block");
        foreach ((string name, float[] values) in _outputs)
        {
            float[] stored = file[name].ToFloats();
            if (stored.Length != Done)
                throw new InvalidCheckpointException("the checkpoint is not of this block");
            stored.CopyTo(values, 0);
        }
    }
}
