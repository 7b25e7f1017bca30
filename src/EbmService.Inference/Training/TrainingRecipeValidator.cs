using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;

namespace EbmService.Inference.Training;

/// <summary>Checks a recipe against its model; every fault is reported, not the first.</summary>
internal static class TrainingRecipeValidator
{
    private const int MaxSlots = 256;

    /// <summary>Of inputs and layers, for all rows of a part: about a second of a wide network.</summary>
    private const double MaxPartNumbers = 1 << 26;

    public static List<string> Faults(TrainingRecipe recipe, ModelDescriptor model) =>
    [
        .. SizeFaults(recipe, model),
        .. SizeFaults(recipe, model).Any() ? [] : StateFaults(recipe, model),
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
        if (recipe.HeldOut < 0 || recipe.WarmUp < 0 || recipe.PictureEvery < 0 || recipe.ValidateEvery < 0)
            yield return "heldOut, warmUp, pictureEvery and validateEvery must be at least 0";
        if (recipe.CheckpointEvery < 1)
            yield return "checkpointEvery must be at least 1";
    }

    /// <summary>A run's state is one file, and one part's way through the network and back is one call that nothing else can get into.</summary>
    private static IEnumerable<string> StateFaults(TrainingRecipe recipe, ModelDescriptor model)
    {
        ArchitectureSpec spec = model.Architecture.Spec();
        ArchitectureShapes shapes = ArchitectureShapes.Of(spec, model.Input);
        double rows = recipe.BatchSize / (double)recipe.Slots, length = model.Input.Length();
        double numbers = shapes.ParameterCount * (5.0 + recipe.Slots) + length * Math.Max(1, recipe.Replicas) * (recipe.BufferSize + 5.0 * recipe.BatchSize);
        if (numbers * sizeof(float) > SafetensorsFile.MaxFileLength)
            yield return $"the run's state takes {numbers * sizeof(float) / (1 << 20):F0} MiB, more than the {SafetensorsFile.MaxFileLength >> 20} of one file: fewer slots or a smaller bufferSize";
        rows = Math.Max(2 * rows, (recipe.Classification?.BatchSize ?? 0) / (double)recipe.Slots);
        if (rows * (length + shapes.Activations) > MaxPartNumbers)
            yield return $"a part of a batch takes {rows * (length + shapes.Activations):E1} numbers through the network at once, more than {MaxPartNumbers:E1}: more slots or a smaller batchSize";
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
        if (!IsShare(recipe.Momentum ?? 0) || recipe.Momentum == 1)
            yield return "momentum must be at least 0 and below 1";
        if (!IsPositive(recipe.DecayPower))
            yield return "decayPower must be a finite number above 0";
        if (!float.IsFinite((float)(recipe.LagMargin ?? 0)))
            yield return "lagMargin must be a finite number";
    }

    private static IEnumerable<string> ChainFaults(TrainingRecipe recipe, ModelDescriptor model)
    {
        ArchitectureSpec spec = model.Architecture.Spec();
        object?[] sources = [recipe.Chain, recipe.Gibbs, recipe.Denoising];
        if (sources.Count(source => source is not null) != 1 && !(recipe.IsClassifier && recipe.Classification is not null))
            yield return "exactly one of chain, gibbs and denoising is needed, or classification alone for a plain classifier";
        if (recipe.Denoising is { } denoising)
        {
            if (model.Input.Variables != VariableKind.Continuous)
                yield return "denoising needs continuous variables: use gibbs";
            if (!IsPositive(denoising.Deviation))
                yield return "denoising.deviation must be a finite number above 0";
        }
        if (recipe.Density == TrainedDensity.Marginal && model.Labels.Count == 0)
            yield return "density is about models with classes: leave it out";
        if (recipe.Gibbs is { } gibbs)
        {
            if (!spec.Family().Capabilities(spec, model.Input).BlockConditionals)
                yield return "gibbs needs an architecture that knows the conditionals of blocks of variables";
            if (gibbs.Sweeps < 1 || !IsShare(gibbs.FreshShare))
                yield return "gibbs needs at least one of sweeps, and freshShare between 0 and 1";
            if (gibbs.Temperatures is { } temperatures && !TemperingSettings.IsLadder(temperatures))
                yield return $"gibbs.temperatures must be 2 to {TemperingSettings.MaxReplicas} ascending numbers that begin with 1";
            if (gibbs is { Temperatures: not null, FromData: true })
                yield return "gibbs.temperatures are of chains that go on: leave fromData out";
        }
        if (recipe.Centred && (recipe.Gibbs is null || !spec.Family().Capabilities(spec, model.Input).CentredGradients))
            yield return "centred needs gibbs and a restricted Boltzmann machine with binary units and no label units";
        if (recipe.ChainInBFloat16 && !spec.Family().Capabilities(spec, model.Input).Has(ModelCapability.Bfloat16))
            yield return "chainInBFloat16 needs an architecture that computes in bfloat16: leave it out";
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
        if (model.Input.Kind != InputKind.Image && (classification.Shift > 0 || classification.Rotation > 0 || classification.Scale > 0))
            yield return "classification.shift, rotation and scale vary images, and the model takes none";
        if (classification.BatchSize < 1 || classification.BatchSize % Math.Max(1, recipe.Slots) != 0)
            yield return $"classification.batchSize must be a multiple of slots ({recipe.Slots})";
        if (!IsNotNegative(classification.Weight) || !IsNotNegative(classification.FinalWeight ?? 0) || !IsNotNegative(classification.Shift)
            || !IsNotNegative(classification.Rotation) || !(classification.Scale is >= 0 and < 1))
            yield return "classification needs weight, finalWeight, shift and rotation of at least 0 and scale in [0, 1)";
    }

    // libtorch computes with float32: what is no number there is none here.
    private static bool IsPositive(double value) => (float)value > 0 && float.IsFinite((float)value);

    private static bool IsNotNegative(double value) => value >= 0 && float.IsFinite((float)value);

    private static bool IsShare(double value) => value is >= 0 and <= 1;
}
