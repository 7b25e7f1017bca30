using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Checkpoints;
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
    public static ModelVersionContent Create(
        MaximumLikelihoodTrainer trainer, TrainingPlan plan, ITrainingData data, ModelProvenance provenance)
    {
        ModelDescriptor model = plan.Model;
        TrainingState state = trainer.State;
        IReadOnlyDictionary<string, Tensor> average = state.Optimizer.Average();
        using IEnergyModel energy = EnergyModelFactory.Frozen(model.Architecture.Spec(), average);
        IReadOnlyList<int> heldOut = HeldOutSplit.HeldOutRows(plan.Recipe, data.Count);
        int classes = model.Labels.Count;
        return new ModelVersionContent
        {
            Weights = average.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors()),
            // Half precision halves the largest file; chains move further than its rounding in their first step.
            Buffer = SafetensorsTensor.FromFloats(state.Buffer.States.ToFloats(), state.Buffer.States.shape, SafetensorsDtype.F16),
            BufferLabels = classes > 0 ? [.. Enumerable.Range(0, state.Buffer.Size).Select(slot => slot % classes)] : null,
            Calibration = heldOut.Count > 0 ? OodCalibrator.Calibrate(energy, model.Input, data, heldOut) : null,
            Provenance = provenance,
        };
    }
}
