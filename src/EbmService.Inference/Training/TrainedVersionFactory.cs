using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Makes a model version of a training run: averaged weights, replay buffer, OOD calibration on the held-out rows.</summary>
public static class TrainedVersionFactory
{
    /// <param name="trainer">After its run.</param>
    /// <param name="plan">What the run was made from.</param>
    /// <param name="data">The same data as the trainer's: the held-out rows are scored.</param>
    /// <param name="provenance">How the version was made.</param>
    public static ModelVersionContent Create(Trainer trainer, TrainingPlan plan, ITrainingData data, ModelProvenance provenance)
    {
        TrainingState state = trainer.TrainedRun.State;
        IReadOnlyDictionary<string, Tensor> average = state.Optimizer.Average();
        using TrainingCalibration calibration = TrainingCalibration.Of(plan.Model, plan.Recipe, average, data);
        calibration.TryAdvance(() => false);
        bool hasBuffer = plan.Recipe.HasChains;
        return Create(
            plan.Model, plan.Recipe, average.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors()),
            hasBuffer ? state.Buffer.States.ToSafetensors() : null, calibration.Scores) with { Provenance = provenance };
    }

    /// <param name="recipe">Says whether chains have classes.</param>
    /// <param name="buffer">The chains in float32, (n, ...input); null after training without chains.</param>
    /// <param name="scores">Of held-out rows by score; empty where none were held out.</param>
    internal static ModelVersionContent Create(
        ModelDescriptor model, TrainingRecipe recipe, IReadOnlyDictionary<string, SafetensorsTensor> weights, SafetensorsTensor? buffer,
        IReadOnlyDictionary<string, float[]> scores)
    {
        // Of other chains nobody knows a class: Gibbs draws it anew, and those of p(x) have none.
        int classes = recipe is { Chain: not null, Density: TrainedDensity.Joint } ? model.Labels.Count : 0;
        (IReadOnlyDictionary<string, float[]>? calibration, float? typicalityMean) =
            scores.Values.Any(score => score.Length > 0) ? OodCalibration.Fit(scores) : (null, null);
        return new ModelVersionContent
        {
            Weights = weights,
            // Half precision halves the largest file; chains move further than its rounding in their first step.
            Buffer = buffer is null ? null : SafetensorsTensor.FromFloats(buffer.ToFloats(), buffer.Shape, SafetensorsDtype.F16),
            BufferLabels = buffer is not null && classes > 0 ? [.. Enumerable.Range(0, (int)buffer.Shape[0]).Select(slot => slot % classes)] : null,
            Calibration = calibration,
            TypicalityMean = typicalityMean,
        };
    }

    /// <summary>Calibrates a version anew: the same weights or module and the same rows give the same calibration.</summary>
    /// <param name="rows">Indices of rows that the network was not trained on, one at least.</param>
    public static CalibrationContent Recalibrate(LoadedModel version, ITrainingData data, IReadOnlyList<int> rows)
    {
        using var calibration = new TrainingCalibration(version.CreateEnergy(CPU), version.Hosted.VisibleSchema(), data, rows);
        calibration.TryAdvance(() => false);
        (IReadOnlyDictionary<string, float[]> scores, float? mean) = OodCalibration.Fit(calibration.Scores);
        return new CalibrationContent(scores, mean);
    }

    /// <summary>As <see cref="Recalibrate"/>, with the scores that are fitted: on rows that the network may have seen, for their scores are calibrated on others.</summary>
    /// <param name="fit">Indices of rows to fit on.</param>
    /// <param name="heldOut">Indices of rows that the network was not trained on: every second is a reference row, the others are calibrated on.</param>
    public static CalibrationContent RecalibrateFitted(
        LoadedModel version, ITrainingData data, IReadOnlyList<int> fit, IReadOnlyList<int> heldOut, Action<double> report)
    {
        using IEnergyModel energy = version.CreateEnergy(CPU);
        InputSchema visible = version.Hosted.VisibleSchema();
        int[] reference = [.. heldOut.Where((_, row) => row % 2 == 0)], calibrated = [.. heldOut.Where((_, row) => row % 2 == 1)];
        var calibrator = new OodCalibrator(
            energy, version.Hosted.Descriptor!, new CalibrationSplit([.. fit], reference, calibrated),
            rows => TrainingRows.ReadStates(energy, visible, data, rows, 0, rows.Length), chains: true,
            data.HasLabels && energy.Classes > 0 ? rows => [.. rows.Select(data.Label)] : null);
        while (calibrator.Step < calibrator.Steps)
        {
            calibrator.Advance();
            report((double)calibrator.Step / calibrator.Steps);
        }
        return calibrator.Result();
    }
}
