using System.Text.Json.Serialization;
using EbmService.Core.Sampling;

namespace EbmService.Core.Training;

/// <summary>
/// Every number of a training run, the same for every family: the file <c>training.json</c> of a model folder and the member <c>config</c> of a training job.
/// Exactly one of <see cref="Chain"/>, <see cref="Gibbs"/> and <see cref="Denoising"/> says what the energy learns from; none of them, with
/// <see cref="Classification"/>, makes a plain classifier.
/// </summary>
public sealed record TrainingRecipe
{
    public required int Iterations { get; init; }

    public required long Seed { get; init; }

    /// <value>Data rows, and chains, per iteration.</value>
    public int BatchSize { get; init; } = 64;

    /// <value>Threads that each take an equal part of the batch; part of what fixes the bits of the weights.</value>
    public int Slots { get; init; } = 2;

    public int BufferSize { get; init; } = 2000;

    /// <value>Which density the energy part fits of a model with classes; without classes it is p(x).</value>
    public TrainedDensity Density { get; init; }

    /// <value>The Langevin chain that draws the negative samples: persistent from the buffer, or short runs from noise where freshShare is 1.</value>
    public SgldRecipe? Chain { get; init; }

    /// <value>Draws the negative samples by blocked Gibbs instead, where the architecture has conditionals of blocks.</value>
    public GibbsRecipe? Gibbs { get; init; }

    /// <value>Denoising score matching (Vincent 2011) in place of negative samples: no chains, gradients of the energy itself.</value>
    public DenoisingRecipe? Denoising { get; init; }

    /// <value>
    /// Whether the chains compute their gradients in bfloat16: about twice as
    /// fast where the CPU has AVX512_BF16. States stay float32.
    /// </value>
    public bool ChainInBFloat16 { get; init; }

    /// <value>Standard deviation of the Gaussian noise added to data.</value>
    public double DataNoise { get; init; }

    /// <value>Weight of mean(E+^2 + E-^2), which keeps energies near zero (Du and Mordatch 2019).</value>
    public double EnergyL2 { get; init; } = 0.1;

    /// <value>The same weight for E- alone; null for <see cref="EnergyL2"/>.</value>
    public double? EnergyL2Samples { get; init; }

    /// <value>
    /// Nats by which a chain may lie above its data before its pair's weight in the gradient, sigmoid(E+ - E- +
    /// margin), falls under one half; null for the plain maximum-likelihood gradient.
    /// </value>
    public double? LagMargin { get; init; }

    /// <value>The cross-entropy part of the JEM objective; null for unlabelled data.</value>
    public ClassificationRecipe? Classification { get; init; }

    /// <value>What each weight (no bias) shrinks by, times the learning rate, per iteration (Loshchilov and Hutter 2019).</value>
    public double WeightDecay { get; init; }

    public double LearningRate { get; init; } = 5e-4;

    /// <value>Gradient descent with this momentum (Polyak 1964), [0, 1), in place of Adam; null for Adam.</value>
    public double? Momentum { get; init; }

    /// <value>
    /// Whether gradients of a Boltzmann machine are taken about the mean activities of its units, the average of data and samples
    /// (Cho, Raiko and Ilin 2011; Montavon and Mueller 2012): faster where units are mostly on or off.
    /// </value>
    public bool Centred { get; init; }

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

    /// <value>
    /// Iterations between two comparisons of held-out with training rows, whose mean energies part where the model overfits; 0 for none.
    /// </value>
    public int ValidateEvery { get; init; } = 100;

    /// <value>Whether negative samples are drawn, which a buffer keeps.</value>
    [JsonIgnore]
    public bool HasChains => Chain is not null || Gibbs is not null;

    /// <value>Whether cross-entropy is all that is minimised: the energies of such a model mean nothing.</value>
    [JsonIgnore]
    public bool IsClassifier => !HasChains && Denoising is null;

    /// <value>Steps of a chain in one iteration.</value>
    [JsonIgnore]
    public int ChainSteps => Gibbs?.Sweeps ?? Chain?.Steps ?? 0;

    /// <value>Rows of a chain: one for each of its temperatures.</value>
    [JsonIgnore]
    public int Replicas => Gibbs?.Temperatures?.Count ?? 1;
}

/// <summary>Negative samples of a Boltzmann machine: contrastive divergence (Hinton 2002) or persistent chains (Tieleman 2008).</summary>
/// <param name="Sweeps">k: all blocks drawn once, so many times.</param>
/// <param name="FromData">Whether chains start at the iteration's data (CD-k), else at the buffer, where they go on (PCD-k).</param>
/// <param name="FreshShare">The probability that a chain starts anew from the base distribution; not from data.</param>
/// <param name="Temperatures">
/// Parallel tempering (Desjardins et al. 2010): each chain has a replica at each of these, ascending from 1, 2 to 32 of them; neighbours swap after every sweep, and those
/// at 1 are the negative samples. All go on in the next iteration that draws the chain; FreshShare is about the one at 1. Not from data. Null for none.
/// </param>
public sealed record GibbsRecipe(
    int Sweeps = 1, bool FromData = false, double FreshShare = 0,
    // Left out where there are none, so that fingerprints of earlier checkpoints stay.
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<double>? Temperatures = null)
{
    public bool Equals(GibbsRecipe? other) =>
        other is not null && (Sweeps, FromData, FreshShare) == (other.Sweeps, other.FromData, other.FreshShare)
        && (Temperatures ?? []).SequenceEqual(other.Temperatures ?? []);

    public override int GetHashCode() => HashCode.Combine(Sweeps, FromData, FreshShare, Temperatures?.Count);
}

/// <summary>Denoising score matching: the energy's gradient at data with noise is fitted to the noise that was added.</summary>
/// <param name="Deviation">Of the Gaussian noise: the model that is learned is the data's density smoothed by it.</param>
public sealed record DenoisingRecipe(double Deviation);

/// <summary>What the energy part of the objective fits.</summary>
public enum TrainedDensity
{
    /// <summary>p(x, y): negative samples have the labels of the batch's data.</summary>
    Joint,

    /// <summary>p(x) by E(x) = -log sum_y exp(-E(x, y)): negative samples have no labels; with the cross-entropy it is JEM's p(x) + p(y | x).</summary>
    Marginal,
}

/// <summary>The supervised part: rows per iteration, its weight, and how images are varied.</summary>
/// <param name="BatchSize">Rows per iteration.</param>
/// <param name="Weight">Factor on the cross-entropy at the first iteration.</param>
/// <param name="Shift">Largest shift, pixels.</param>
/// <param name="Rotation">Largest rotation, degrees.</param>
/// <param name="Scale">Largest relative change of size.</param>
/// <param name="FinalWeight">Factor at the last iteration; null for the same. A late emphasis costs the chains nothing:
/// at low learning rates they follow.</param>
public sealed record ClassificationRecipe(
    int BatchSize = 128, double Weight = 1, double Shift = 0, double Rotation = 0, double Scale = 0, double? FinalWeight = null)
{
    /// <summary>The factor after that share of the run, linear between the two weights.</summary>
    public double WeightAt(double share) => Weight + ((FinalWeight ?? Weight) - Weight) * share;
}
