using EbmService.Core.Jobs;

namespace EbmService.Core.Training;

/// <summary>The job type <c>training</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class TrainingJob
{
    public const string Name = "training";

    /// <summary>Names of the metrics.</summary>
    public const string EnergyData = "energyData";
    public const string EnergySamples = "energySamples";
    public const string EnergyGap = "energyGap";
    public const string Loss = "loss";
    public const string GradientNorm = "gradientNorm";
    public const string CrossEntropy = "crossEntropy";
    public const string Accuracy = "accuracy";
    public const string BufferAge = "bufferAge";
    public const string SwapAcceptance = "swapAcceptance";
    public const string HeldOutGap = "heldOutGap";
    public const string ReconstructionError = "reconstructionError";

    public static JobTypeDescription Description { get; } = new(
        Name, "Trains a model and puts the result into service as a new version of it.", "iterations", typeof(TrainingRequest), typeof(TrainingSpec))
    {
        Roles = [],
        MakesModel = true,
        Metrics =
        [
            new(EnergyData, "Mean E of the latest iteration's data.", MetricMerge.Mean),
            new(EnergySamples, "Mean E of the ends of its chains; of the noised data where there are no chains.", MetricMerge.Mean),
            new(EnergyGap, "energyData less energySamples: near 0 while chains follow the model.", MetricMerge.Mean),
            new(Loss, "The energy part of the objective.", MetricMerge.Mean),
            new(GradientNorm, "L2 norm of the parameters' gradient before clipping.", MetricMerge.Mean),
            new(CrossEntropy, "Of the iteration's labelled rows, nats; absent without a classification part.", MetricMerge.Mean),
            new(Accuracy, "On the iteration's own (varied) rows; absent without a classification part.", MetricMerge.Mean),
            new(BufferAge, "Iterations that the buffer's chains have run since they began anew, on average; absent without chains.", MetricMerge.Mean),
            new(SwapAcceptance, "Mean probability of the latest iteration's swaps between neighbouring temperatures; absent without gibbs.temperatures.", MetricMerge.Mean),
            new(HeldOutGap, "Mean E of held-out rows less that of training rows: it grows where the model overfits.", MetricMerge.Mean),
            new(ReconstructionError, "Mean |v - v'| of training rows, v' one Gibbs sweep later; absent without conditionals.", MetricMerge.Mean),
        ],
        Examples =
        [
            new("train-two-moons", "two-moons: a short training on made data",
                """{"type": "training", "model": "two-moons", "spec": {"data": "two-moons", "iterations": 300}}"""),
            new("train-new-model", "a new model with its own descriptor and config",
                """
                {"type": "training", "model": "my-moons", "spec": {"data": "two-moons",
                 "descriptor": {"name": "my-moons", "title": "Moons by score matching", "architecture": {"kind": "mlp", "hidden": [64, 64]}, "input": {"kind": "vector", "shape": [2], "min": -3, "max": 3}},
                 "config": {"iterations": 1000, "seed": 1, "batchSize": 128, "denoising": {"deviation": 0.15}, "energyL2": 0}}}
                """),
        ],
    };
}
