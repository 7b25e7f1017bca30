using System.Text.Json.Serialization;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;

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

    /// <value>The Langevin chain that draws the negative samples; null where <see cref="Gibbs"/> does.</value>
    public SgldRecipe? Chain { get; init; }

    /// <value>Draws the negative samples by blocked Gibbs instead, where the architecture has conditionals of blocks.</value>
    public GibbsRecipe? Gibbs { get; init; }

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

    /// <value>Steps of a chain in one iteration.</value>
    [JsonIgnore]
    public int ChainSteps => Gibbs?.Sweeps ?? Chain?.Steps ?? 0;
}

/// <summary>Negative samples of a Boltzmann machine: contrastive divergence (Hinton 2002) or persistent chains (Tieleman 2008).</summary>
/// <param name="Sweeps">k: all blocks drawn once, so many times.</param>
/// <param name="FromData">Whether chains start at the iteration's data (CD-k), else at the buffer, where they go on (PCD-k).</param>
/// <param name="FreshShare">The probability that a chain starts anew from the base distribution; not from data.</param>
public sealed record GibbsRecipe(int Sweeps = 1, bool FromData = false, double FreshShare = 0);

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

/// <summary>Checks a recipe against its model; every fault is reported, not the first.</summary>
internal static class TrainingRecipeValidator
{
    private const int MaxSlots = 256;

    public static List<string> Faults(TrainingRecipe recipe, ModelDescriptor model) =>
    [
        .. SizeFaults(recipe, model),
        .. OptimizerFaults(recipe),
        .. ChainFaults(recipe, model),
        .. ClassificationFaults(recipe, model),
    ];

    private static IEnumerable<string> SizeFaults(TrainingRecipe recipe, ModelDescriptor model)
    {
        ArchitectureSpec spec = model.Architecture.Spec();
        if (!spec.Family().Capabilities(spec, model.Input).Trainable)
            yield return "the architecture is a closed formula without parameters to train";
        if (recipe.Iterations < 1)
            yield return "iterations must be at least 1";
        if (recipe.Slots is < 1 or > MaxSlots)
            yield return $"slots must be between 1 and {MaxSlots}";
        else if (recipe.BatchSize < 1 || recipe.BatchSize % recipe.Slots != 0)
            yield return $"batchSize must be a multiple of slots ({recipe.Slots})";
        if (recipe.BufferSize < Math.Max(1, model.Labels.Count))
            yield return $"bufferSize must be at least {Math.Max(1, model.Labels.Count)}";
        if (recipe.HeldOut < 0 || recipe.WarmUp < 0 || recipe.PictureEvery < 0)
            yield return "heldOut, warmUp and pictureEvery must be at least 0";
        if (recipe.CheckpointEvery < 1)
            yield return "checkpointEvery must be at least 1";
    }

    private static IEnumerable<string> OptimizerFaults(TrainingRecipe recipe)
    {
        if (!IsPositive(recipe.LearningRate))
            yield return "learningRate must be a finite number above 0";
        if (!IsShare(recipe.FinalLearningRate))
            yield return "finalLearningRate must be between 0 and 1";
        if (!IsShare(recipe.Beta1) || !IsShare(recipe.Beta2) || !IsShare(recipe.AverageDecay)
            || recipe.Beta1 == 1 || recipe.Beta2 == 1 || recipe.AverageDecay == 1)
            yield return "beta1, beta2 and averageDecay must be at least 0 and below 1";
        if (!IsPositive(recipe.GradientNormClip) || !IsPositive(recipe.EnergyBound))
            yield return "gradientNormClip and energyBound must be finite numbers above 0";
        if (!IsNotNegative(recipe.DataNoise) || !IsNotNegative(recipe.EnergyL2) || !IsNotNegative(recipe.EnergyL2Samples ?? 0)
            || !IsNotNegative(recipe.WeightDecay))
            yield return "dataNoise, energyL2 and weightDecay must be finite numbers of at least 0";
        if (!double.IsFinite(recipe.LagMargin ?? 0))
            yield return "lagMargin must be a finite number";
    }

    private static IEnumerable<string> ChainFaults(TrainingRecipe recipe, ModelDescriptor model)
    {
        ArchitectureSpec spec = model.Architecture.Spec();
        if ((recipe.Chain is null) == (recipe.Gibbs is null))
            yield return "the negative samples need either chain or gibbs";
        if (recipe.Gibbs is { } gibbs)
        {
            if (!spec.Family().Capabilities(spec, model.Input).BlockConditionals)
                yield return "gibbs needs an architecture that knows the conditionals of blocks of variables";
            if (gibbs.Sweeps < 1 || !IsShare(gibbs.FreshShare))
                yield return "gibbs needs at least one of sweeps, and freshShare between 0 and 1";
        }
        if (recipe.Chain is not { } chain)
            yield break;
        if (model.Input.Variables != VariableKind.Continuous)
            yield return "chain needs continuous variables: use gibbs";
        if ((chain.Noise is null) == (chain.Temperature is null))
            yield return "chain needs either noise or temperature";
        foreach ((string member, string rule) in SgldRecipeRules.Faults(chain))
            yield return $"chain.{member} {rule.TrimEnd('.')}";
    }

    private static IEnumerable<string> ClassificationFaults(TrainingRecipe recipe, ModelDescriptor model)
    {
        if (recipe.Classification is not { } classification)
            yield break;
        if (model.Labels.Count == 0)
            yield return "classification needs a model with classes";
        if (classification.BatchSize < 1 || classification.BatchSize % Math.Max(1, recipe.Slots) != 0)
            yield return $"classification.batchSize must be a multiple of slots ({recipe.Slots})";
        if (!IsNotNegative(classification.Weight) || !IsNotNegative(classification.FinalWeight ?? 0) || !IsNotNegative(classification.Shift)
            || !IsNotNegative(classification.Rotation) || !(classification.Scale is >= 0 and < 1))
            yield return "classification needs weight, finalWeight, shift and rotation of at least 0 and scale in [0, 1)";
    }

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    private static bool IsNotNegative(double value) => value >= 0 && double.IsFinite(value);

    private static bool IsShare(double value) => value is >= 0 and <= 1;
}
