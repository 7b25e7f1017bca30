using System.Globalization;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Scoring;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Scoring;

/// <summary>
/// Scores one block of rows, a padded tile a step. Rows don't influence one another at a fixed shape, so a row's numbers are those that a query gives.
/// </summary>
internal sealed class ScoringWorkload : IWorkload
{
    private readonly ScoringSpec _spec;
    private readonly BlockPlan _block;
    private readonly LiveModel _model;
    private readonly OodCalibration? _calibration;
    private readonly Device _device;
    private readonly float[] _rows;
    private readonly string[] _scores;
    private readonly bool _needsScores;
    private readonly bool _chains;
    private readonly Dictionary<string, float[]> _outputs = [];
    private readonly float[] _energies;
    private int _step;

    /// <param name="rows">The block's rows, (count, input).</param>
    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public ScoringWorkload(
        ScoringSpec spec, BlockPlan block, LiveModel model, OodCalibration? calibration, Device device, float[] rows, ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block, _model, _calibration, _device, _rows) = (spec, block, model, calibration, device, rows);
        string[] calibrated =
            [.. spec.Outputs.Where(OodScorer.Fitted.Contains), .. spec.Score is { } behind ? [behind] : (string[])[]];
        if (calibrated.FirstOrDefault(score => calibration?.Has(score) is not true) is { } missing)
        {
            throw new FailureException(new Failure(FailureCode.NotSupported,
                $"The calibration of '{model.Hosted.Key}' has no score '{missing}'.", $"It has: {string.Join(", ", calibration?.Names ?? [])}."));
        }
        _chains = spec.Outputs.Append(spec.Score).Any(name => OodScorer.Chain.Contains(name));
        _scores = [.. OodPass.Names(model.Energy, calibration, _chains)];
        _needsScores = spec.Score is not null || spec.Outputs.Any(output => _scores.Contains(output));
        _energies = new float[block.Count];
        foreach (string output in spec.Outputs)
            _outputs[output] = new float[block.Count * WidthOf(output)];
        if (checkpoint is { } bytes)
            Restore(SafetensorsFile.Read(bytes));
    }

    private int Done => Math.Min(_block.Count, _step * ScoringJob.TileRows);

    public StepReport Advance(QuantumBudget budget)
    {
        StepReport report = BlockSteps.Advance(_block, budget, ref _step, () => ScoreTile(Done));
        return report with { Metrics = Metrics() };
    }

    public byte[] Save() => Finish();

    public byte[] Finish()
    {
        Dictionary<string, SafetensorsTensor> tensors = _outputs.ToDictionary(
            output => output.Key,
            output => SafetensorsTensor.FromFloats(output.Value.AsSpan(0, Done * WidthOf(output.Key)), [Done, WidthOf(output.Key)]));
        tensors[ScoringResults.Energies] = SafetensorsTensor.FromFloats(_energies.AsSpan(0, Done), [Done]);
        return SafetensorsFile.Write(tensors, new Dictionary<string, string> { ["step"] = _step.ToString(CultureInfo.InvariantCulture) });
    }

    public void Dispose()
    {
        // Holds no tensors between steps.
    }

    private int WidthOf(string output) => output == ScoringOutput.Logits ? _model.Energy.Classes : 1;

    private void ScoreTile(int first)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int length = _model.Descriptor.Input.Length(), count = Math.Min(ScoringJob.TileRows, _block.Count - first);
        var padded = new float[ScoringJob.TileRows * length];
        _rows.AsSpan(first * length, count * length).CopyTo(padded);
        Tensor tile = tensor(padded, [ScoringJob.TileRows, .. _model.Descriptor.Input.Shape.Select(size => (long)size)]).to(_device);

        float[][] scores = _needsScores ? Scores(tile) : [];
        float[]? logits = _outputs.ContainsKey(ScoringOutput.Logits) ? _model.Energy.Logits(tile)!.ToFloats() : null;
        float[] energies = _needsScores && !_outputs.ContainsKey(ScoringOutput.Energy)
            ? [.. scores[Array.IndexOf(_scores, OodScorer.LogDensity)].Select(value => -value)]
            : _model.Energy.Energy(tile).ToFloats();
        energies.AsSpan(0, count).CopyTo(_energies.AsSpan(first));
        foreach ((string output, float[] values) in _outputs)
        {
            ReadOnlySpan<float> from = output switch
            {
                ScoringOutput.Energy => energies,
                ScoringOutput.Logits => logits,
                ScoringOutput.PValue => PValues(scores[Array.IndexOf(_scores, _spec.Score)]),
                _ => scores[Array.IndexOf(_scores, output)],
            };
            from[..(count * WidthOf(output))].CopyTo(values.AsSpan(first * WidthOf(output)));
        }
    }

    /// <summary>One array per score, in the order of <see cref="_scores"/>.</summary>
    private float[][] Scores(Tensor tile)
    {
        Dictionary<string, float[]> scores = OodPass.Score(_model.Energy, _model.Descriptor, tile, _calibration, _chains);
        return [.. _scores.Select(name => scores[name])];
    }

    private float[] PValues(float[] scores) =>
        [.. scores.Select(score => float.IsFinite(score) ? (float)_calibration!.PValue(_spec.Score!, score) : float.NaN)];

    private Dictionary<string, double> Metrics()
    {
        double[] finite = [.. _energies.Take(Done).Where(float.IsFinite).Select(value => (double)value)];
        var metrics = new Dictionary<string, double>
        {
            [ScoringJob.Finite] = finite.Length,
            [ScoringJob.NotFinite] = Done - finite.Length,
        };
        if (finite.Length > 0)
            (metrics[ScoringJob.EnergyMean], metrics[ScoringJob.EnergyMin], metrics[ScoringJob.EnergyMax]) = (finite.Average(), finite.Min(), finite.Max());
        IEnumerable<float> scored = _outputs.GetValueOrDefault(ScoringOutput.PValue, []).Take(Done);
        double[] pValues = [.. scored.Where(float.IsFinite).Select(value => (double)value)];
        if (pValues.Length > 0)
            (metrics[ScoringJob.PValueMean], metrics[ScoringJob.PValues]) = (pValues.Average(), pValues.Length);
        return metrics;
    }

    private void Restore(SafetensorsFile file)
    {
        if (!int.TryParse(file.Metadata.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out int step) || step < 0 || step > _block.Steps)
            throw new InvalidCheckpointException("the checkpoint has no step of this block");
        _step = step;
        foreach ((string output, float[] values) in _outputs.Append(new(ScoringResults.Energies, _energies)))
        {
            float[] stored = file[output].ToFloats();
            if (stored.Length != Done * (output == ScoringResults.Energies ? 1 : WidthOf(output)))
                throw new InvalidCheckpointException("the checkpoint is not of this block");
            stored.CopyTo(values, 0);
        }
    }
}
