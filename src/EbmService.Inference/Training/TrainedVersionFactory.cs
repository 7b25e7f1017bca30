using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Makes a model version of a training run: averaged weights, replay buffer, OOD calibration on the held-out rows.</summary>
public static class TrainedVersionFactory
{
    private const int Tile = 64;

    /// <param name="trainer">After its run.</param>
    /// <param name="plan">What the run was made from.</param>
    /// <param name="data">The same data as the trainer's: the held-out rows are scored.</param>
    /// <param name="provenance">How the version was made.</param>
    public static ModelVersionContent Create(
        MaximumLikelihoodTrainer trainer, TrainingPlan plan, ITrainingData data, ModelProvenance provenance)
    {
        ModelDescriptor model = plan.Model;
        TrainingState state = trainer.State;
        IReadOnlyDictionary<string, Tensor> average = state.Optimizer.Average();
        using IEnergyModel energy = EnergyModelFactory.Frozen(model.Architecture.Spec(), average);
        IReadOnlyList<int> heldOut = HeldOutSplit.HeldOutRows(plan.Recipe, data.Count);
        int classes = model.Labels.Count;
        (IReadOnlyDictionary<string, float[]>? calibration, float? typicalityMean) =
            heldOut.Count > 0 ? Calibrate(energy, model.Input, data, heldOut) : (null, null);
        return new ModelVersionContent
        {
            Weights = average.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors()),
            // Half precision halves the largest file; chains move further than its rounding in their first step.
            Buffer = SafetensorsTensor.FromFloats(state.Buffer.States.ToFloats(), state.Buffer.States.shape, SafetensorsDtype.F16),
            BufferLabels = classes > 0 ? [.. Enumerable.Range(0, state.Buffer.Size).Select(slot => slot % classes)] : null,
            Calibration = calibration,
            TypicalityMean = typicalityMean,
            Provenance = provenance,
        };
    }

    /// <summary>Calibrates a version anew: the same weights or module and the same rows give the same calibration.</summary>
    /// <param name="rows">Indices of rows that the network was not trained on, one at least.</param>
    public static (IReadOnlyDictionary<string, float[]> Scores, float? TypicalityMean) Recalibrate(
        LoadedModel version, ITrainingData data, IReadOnlyList<int> rows)
    {
        using IEnergyModel energy = version.CreateEnergy(CPU);
        return Calibrate(energy, version.Hosted.Descriptor!.Input, data, rows);
    }

    /// <summary>
    /// Every score of <see cref="OodScorer.Names"/> for the given rows,
    /// without data noise, and typicality with its mean.
    /// </summary>
    private static (IReadOnlyDictionary<string, float[]> Scores, float? TypicalityMean) Calibrate(
        IEnergyModel model, InputSchema input, ITrainingData data, IReadOnlyList<int> rows)
    {
        IReadOnlyList<string> names = OodScorer.Names(model);
        Dictionary<string, float[]> scores = names.ToDictionary(name => name, _ => new float[rows.Count]);
        for (int first = 0; first < rows.Count; first += Tile)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(Tile, rows.Count - first);
            float[] tile = OodScorer.Score(model, Read(input, data, rows, first, count)).ToFloats();
            foreach ((int i, string name) in names.Index())
                tile.AsSpan(i * count, count).CopyTo(scores[name].AsSpan(first));
        }
        return OodCalibration.Fit(scores);
    }

    /// <summary>Rows as the model sees them; of binary variables each level is drawn by a fixed seed.</summary>
    /// <param name="rows">Indices; those from <paramref name="first"/> on are read.</param>
    internal static Tensor Read(InputSchema input, ITrainingData data, IReadOnlyList<int> rows, int first, int count)
    {
        var values = new float[count * data.RowLength];
        for (int i = 0; i < count; i++)
            data.CopyRow(rows[first + i], values.AsSpan(i * data.RowLength, data.RowLength));
        Tensor read = tensor(values, [count, .. input.Shape.Select(size => (long)size)]);
        return input.Variables == VariableKind.Binary ? BinaryLevels.DrawFixed(read, first) : read;
    }
}
