using EbmService.Core.Sampling;

namespace EbmService.Inference.Training;

/// <summary>The file <c>training.json</c> of a model folder: every number of a training run.</summary>
public sealed record TrainingRecipe
{
    public required int Iterations { get; init; }

    public required long Seed { get; init; }

    /// <value>Data rows, and chains, per iteration.</value>
    public int BatchSize { get; init; } = 64;

    /// <value>Threads that each take an equal part of the batch; part of what fixes the bits of the weights.</value>
    public int Slots { get; init; } = 2;

    public int BufferSize { get; init; } = 2000;

    /// <value>The chain that draws the negative samples.</value>
    public required SgldRecipe Chain { get; init; }

    /// <value>Whether the chains compute their gradients in bfloat16: about twice as fast where the CPU has AVX512_BF16. States stay float32.</value>
    public bool ChainInBFloat16 { get; init; }

    /// <value>Standard deviation of the Gaussian noise added to data.</value>
    public double DataNoise { get; init; }

    /// <value>Weight of mean(E+^2 + E-^2), which keeps energies near zero (Du and Mordatch 2019).</value>
    public double EnergyL2 { get; init; } = 0.1;

    /// <value>The same weight for E- alone; null for <see cref="EnergyL2"/>.</value>
    public double? EnergyL2Samples { get; init; }

    /// <value>Nats by which a chain may lie above its data before its pair's weight in the gradient, sigmoid(E+ - E- + margin), falls under one half; null for the plain maximum-likelihood gradient.</value>
    public double? LagMargin { get; init; }

    /// <value>The cross-entropy part of the JEM objective; null for unlabelled data.</value>
    public ClassificationRecipe? Classification { get; init; }

    public double LearningRate { get; init; } = 5e-4;

    /// <value>Iterations of linear warm-up.</value>
    public int WarmUp { get; init; } = 100;

    /// <value>The share of the learning rate that cosine decay ends at.</value>
    public double FinalLearningRate { get; init; } = 0.02;

    /// <value>Exponent on the cosine: above 1 spends less of the run at high rates, where energies of this kind oscillate.</value>
    public double DecayPower { get; init; } = 1;

    public double Beta1 { get; init; } = 0.9;

    public double Beta2 { get; init; } = 0.999;

    /// <value>Largest L2 norm of the whole gradient.</value>
    public double GradientNormClip { get; init; } = 1;

    /// <value>Decay of the moving average of the weights, which is what is stored.</value>
    public double AverageDecay { get; init; } = 0.999;

    /// <value>Training rows kept out of training for the OOD calibration.</value>
    public int HeldOut { get; init; } = 2000;

    /// <value>A run stops when |mean E| passes this bound.</value>
    public double EnergyBound { get; init; } = 100;

    public int CheckpointEvery { get; init; } = 250;

    /// <value>Iterations between sample pictures; 0 for none.</value>
    public int PictureEvery { get; init; } = 500;
}

/// <summary>The supervised part: rows per iteration, its weight, and how images are varied.</summary>
/// <param name="BatchSize">Rows per iteration.</param>
/// <param name="Weight">Factor on the cross-entropy at the first iteration.</param>
/// <param name="Shift">Largest shift, pixels.</param>
/// <param name="Rotation">Largest rotation, degrees.</param>
/// <param name="Scale">Largest relative change of size.</param>
/// <param name="FinalWeight">Factor at the last iteration; null for the same. A late emphasis costs the chains nothing: at low learning rates they follow.</param>
public sealed record ClassificationRecipe(
    int BatchSize = 128, double Weight = 1, double Shift = 0, double Rotation = 0, double Scale = 0, double? FinalWeight = null)
{
    /// <summary>The factor after that share of the run, linear between the two weights.</summary>
    public double WeightAt(double share) => Weight + ((FinalWeight ?? Weight) - Weight) * share;
}
