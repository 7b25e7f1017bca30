using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Training;
using EbmService.Inference.Formats;
using EbmService.Inference.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Training;

/// <summary>The one block of a training job: iterations, then the calibration on held-out rows.</summary>
internal sealed class TrainingWorkload : IWorkload
{
    /// <summary>Rows of the log, at most about.</summary>
    private const int LogRows = 1000;

    private readonly TrainingSpec _spec;
    private readonly BlockPlan _block;
    private readonly ITrainingData _data;
    private readonly IImageCodec _images;
    private readonly TrainingRun _run;
    private readonly List<double[]> _log = [];
    private readonly int _logEvery;
    private TrainingCalibration? _calibration;

    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another job.</exception>
    public TrainingWorkload(TrainingSpec spec, BlockPlan block, ITrainingData data, IImageCodec images, ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block, _data, _images) = (spec, block, data, images);
        _logEvery = Math.Max(1, spec.Config.Iterations / LogRows);
        // Training computes on the CPU whatever the slot's device is, and the bits are those of one thread.
        set_num_threads(1);
        using DisposeScope scope = NewDisposeScope();
        _run = new TrainingRun(spec.Config, spec.Descriptor, data);
        try
        {
            if (checkpoint is { } bytes)
                Restore(SafetensorsFile.Read(bytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private int Iterations => _spec.Config.Iterations;

    private int Step => _run.State.Iteration + (_calibration?.Done ?? 0);

    private bool IsDone => _run.IsDiverged || Step == _block.Steps;

    public StepReport Advance(QuantumBudget budget)
    {
        int limit = Math.Min(_block.Steps, budget.StepLimit);
        Func<bool> isSpent = () => budget.IsSpent;
        int pictured = 0;
        while (Step < limit && !_run.IsDiverged)
        {
            if (!TryStep(isSpent))
                break;
            if (_spec.Config.PictureEvery > 0 && _spec.Config.HasChains && _run.State.Iteration % _spec.Config.PictureEvery == 0 && _calibration is null)
                pictured = _run.State.Iteration;
            if (budget.IsSpent)
                break;
        }
        byte[] png = pictured == 0 ? [] : TrainingResults.Picture(_images, TrainingPictures.Chains(_run), _spec.Descriptor);
        return new StepReport(Step, IsDone) { Metrics = Metrics(), Preview = png.Length > 0 ? new PreviewFrame(pictured, png) : null };
    }

    public byte[] Save()
    {
        Dictionary<string, SafetensorsTensor> tensors = _run.Save();
        foreach ((string name, float[] scores) in _calibration?.Scores ?? new Dictionary<string, float[]>())
            tensors["score." + name] = SafetensorsTensor.FromFloats(scores, [scores.Length]);
        tensors["calibrated"] = SafetensorsTensor.FromInt64([_calibration?.Done ?? 0], [1]);
        tensors["log"] = Log();
        return SafetensorsFile.Write(tensors, TrainingSnapshot.MetadataOf(_run, Fingerprint));
    }

    public byte[] Finish()
    {
        using DisposeScope scope = NewDisposeScope();
        bool diverged = _run.IsDiverged;
        IReadOnlyDictionary<string, Tensor> weights = diverged ? _run.State.Good : _run.State.Optimizer.Average();
        int iteration = diverged ? _run.State.GoodIteration : _run.State.Iteration;
        var tensors = new Dictionary<string, SafetensorsTensor> { ["log"] = Log() };
        // A diverged run may have kept no weights yet.
        foreach ((string name, Tensor weight) in iteration > 0 ? weights : new Dictionary<string, Tensor>())
            tensors["weight." + name] = weight.ToSafetensors();
        if (_spec.Config.HasChains)
            tensors["buffer"] = _run.State.Buffer.States.ToSafetensors();
        foreach ((string name, float[] scores) in Step == _block.Steps && _calibration is { } whole ? whole.Scores : new Dictionary<string, float[]>())
            tensors["score." + name] = SafetensorsTensor.FromFloats(scores, [scores.Length]);
        return new TrainingOutcome(iteration, diverged ? _run.State.Iteration : null, tensors).Write();
    }

    public void Dispose()
    {
        _calibration?.Dispose();
        _run.Dispose();
    }

    private string Fingerprint => TrainingFingerprint.Of(_spec.Config, _spec.Descriptor, _spec.Sha256, _spec.Rows);

    /// <summary>An iteration, or after the last one a tile of the calibration.</summary>
    private bool TryStep(Func<bool> isSpent)
    {
        if (_run.State.Iteration < Iterations)
        {
            if (!_run.TryIterate(isSpent))
                return false;
            if (!_run.IsDiverged && _run.State.Iteration % _logEvery == 0)
                _log.Add(RowOf(_run.Latest!));
            return true;
        }
        Calibration().TryAdvance(() => true);
        return true;
    }

    private TrainingCalibration Calibration() =>
        _calibration ??= TrainingCalibration.Of(_spec.Descriptor, _spec.Config, _run.State.Optimizer.Average(), _data);

    private void Restore(SafetensorsFile file)
    {
        TrainingSnapshot.Of(file).Restore(_run, Fingerprint);
        double[] log = file["log"].ToDoubles();
        _log.AddRange(log.Chunk(TrainingResults.LogColumns.Count));
        int calibrated = (int)file["calibrated"].ToInt64()[0];
        if (calibrated == 0)
            return;
        TrainingCalibration calibration = Calibration();
        calibration.Done = calibrated;
        foreach ((string name, float[] scores) in calibration.Scores)
            file["score." + name].ToFloats().CopyTo(scores, 0);
    }

    private SafetensorsTensor Log() =>
        SafetensorsTensor.FromDoubles([.. _log.SelectMany(row => row)], [_log.Count, TrainingResults.LogColumns.Count]);

    private static double[] RowOf(TrainingProgress progress) =>
    [
        progress.Iteration, progress.EnergyData, progress.EnergySamples, progress.CrossEntropy, progress.Accuracy, progress.Loss,
        progress.GradientNorm, progress.BufferAge, progress.Validated?.EnergyGap ?? double.NaN,
        progress.Validated?.ReconstructionError ?? double.NaN,
    ];

    private Dictionary<string, double> Metrics()
    {
        var metrics = new Dictionary<string, double>();
        if (_run.Latest is not { } latest)
            return metrics;
        metrics[TrainingJob.EnergyData] = latest.EnergyData;
        metrics[TrainingJob.EnergySamples] = latest.EnergySamples;
        metrics[TrainingJob.EnergyGap] = latest.EnergyData - latest.EnergySamples;
        metrics[TrainingJob.Loss] = latest.Loss;
        metrics[TrainingJob.GradientNorm] = latest.GradientNorm;
        if (_spec.Config.Classification is not null)
            (metrics[TrainingJob.CrossEntropy], metrics[TrainingJob.Accuracy]) = (latest.CrossEntropy, latest.Accuracy);
        if (_spec.Config.HasChains)
            metrics[TrainingJob.BufferAge] = latest.BufferAge;
        if (latest.SwapAcceptance is { } swaps)
            metrics[TrainingJob.SwapAcceptance] = swaps;
        if (latest.Validated is { } validated)
        {
            metrics[TrainingJob.HeldOutGap] = validated.EnergyGap;
            if (validated.ReconstructionError is { } error)
                metrics[TrainingJob.ReconstructionError] = error;
        }
        return metrics;
    }
}

/// <summary>What a block leaves.</summary>
/// <param name="Iteration">Of the weights; 0 where there are none.</param>
/// <param name="DivergedAfter">The last sound iteration of a run that diverged; null of one that didn't.</param>
/// <param name="Tensors">weight.NAME, buffer, score.NAME and log.</param>
internal sealed record TrainingOutcome(int Iteration, int? DivergedAfter, IReadOnlyDictionary<string, SafetensorsTensor> Tensors)
{
    public byte[] Write() => SafetensorsFile.Write(Tensors, new Dictionary<string, string>
    {
        ["iteration"] = $"{Iteration}", ["divergedAfter"] = $"{DivergedAfter}",
    });

    public static TrainingOutcome Read(ReadOnlyMemory<byte> bytes)
    {
        SafetensorsFile file = SafetensorsFile.Read(bytes);
        return new TrainingOutcome(
            int.Parse(file.Metadata["iteration"], System.Globalization.CultureInfo.InvariantCulture),
            int.TryParse(file.Metadata["divergedAfter"], System.Globalization.CultureInfo.InvariantCulture, out int after) ? after : null,
            file.Tensors);
    }

    /// <summary>The tensors whose names begin so, without that beginning.</summary>
    public Dictionary<string, SafetensorsTensor> Of(string prefix) => Tensors
        .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
}
