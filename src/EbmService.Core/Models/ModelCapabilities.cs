using EbmService.Core.Sampling;

namespace EbmService.Core.Models;

/// <summary>What a kernel, a task or a setting can need of a model.</summary>
public enum ModelCapability
{
    ContinuousVariables,

    /// <summary>Binary or categorical variables.</summary>
    DiscreteVariables,

    /// <summary>The energy has a gradient by the input.</summary>
    Differentiable,

    /// <summary>The model's variables fall into blocks whose conditionals can be drawn from.</summary>
    BlockConditionals,

    /// <summary>The model has latent variables.</summary>
    Latents,

    /// <summary>The model has class logits.</summary>
    Classes,

    /// <summary>The model has activations before its last layer.</summary>
    Features,

    /// <summary>Each hidden unit has a weight per visible number.</summary>
    Filters,

    /// <summary>The model has parameters and an objective to train them by.</summary>
    Trainable,

    /// <summary>Gradients can be taken about the mean activities of the model's units.</summary>
    CentredGradients,

    /// <summary>The model computes in bfloat16 too.</summary>
    Bfloat16,
}

/// <summary>A run of latent variables in a flat row.</summary>
/// <param name="Name">For example h1, the hidden layer next to the visible units.</param>
/// <param name="Offset">Its first number, 0-based.</param>
public sealed record LatentPart(string Name, int Offset, int Length);

/// <summary>Facts about a model that rules ask for; an architecture gives them from its spec and the input.</summary>
public sealed record ModelCapabilities
{
    /// <value>What values the numbers of an input take.</value>
    public VariableKind Variables { get; init; } = VariableKind.Continuous;

    /// <value>Whether the energy has a gradient by the input.</value>
    public bool Differentiable { get; init; } = true;

    /// <value>Whether the model knows the conditionals of blocks of its variables.</value>
    public bool BlockConditionals { get; init; }

    /// <value>
    /// Whether the energy sums out hidden units h that draws from the conditionals at a temperature T temper too: then they leave sum_h exp(-E(x, h) / T) as it is,
    /// which at T other than 1 is not exp(-E(x) / T).
    /// </value>
    public bool TempersHiddenUnits { get; init; }

    /// <value>The latent variables, which follow the visible ones in a row; empty where all of an input is visible.</value>
    public IReadOnlyList<LatentPart> Latents { get; init; } = [];

    /// <value>The shape of the visible part of a row with latent variables; null where the input is all visible.</value>
    public IReadOnlyList<int>? VisibleShape { get; init; }

    /// <value>Number of classes; 0 where the model has no logits.</value>
    public int Classes { get; init; }

    /// <value>Whether the model has activations before its last layer.</value>
    public bool Features { get; init; }

    /// <value>Whether each hidden unit has a weight per visible number.</value>
    public bool Filters { get; init; }

    /// <value>Whether the model has parameters and an objective to train them by.</value>
    public bool Trainable { get; init; }

    /// <value>Whether gradients can be taken about the mean activities of the model's units.</value>
    public bool CentredGradients { get; init; }

    /// <value>Whether the model has a path of densities, drawn from by its conditionals, from independent variables of any given means to its own.</value>
    public bool AnnealsFromMeans { get; init; }

    /// <value>What chains can compute in.</value>
    public IReadOnlyList<SamplingPrecision> Precisions { get; init; } = [SamplingPrecision.Float32];

    /// <summary>What the visible part of a row is, which comes first in it: the input itself but for models with latent variables.</summary>
    public InputSchema VisibleSchema(InputSchema input) => VisibleShape is not { } shape ? input
        : input with { Kind = shape.Count == 3 ? InputKind.Image : InputKind.Vector, Shape = shape };

    public bool Has(ModelCapability capability) => capability switch
    {
        ModelCapability.ContinuousVariables => Variables == VariableKind.Continuous,
        ModelCapability.DiscreteVariables => Variables != VariableKind.Continuous,
        ModelCapability.Differentiable => Differentiable,
        ModelCapability.BlockConditionals => BlockConditionals,
        ModelCapability.Latents => Latents.Count > 0,
        ModelCapability.Classes => Classes > 0,
        ModelCapability.Features => Features,
        ModelCapability.Filters => Filters,
        ModelCapability.Trainable => Trainable,
        ModelCapability.CentredGradients => CentredGradients,
        ModelCapability.Bfloat16 => Precisions.Contains(SamplingPrecision.Bfloat16),
        _ => throw new ArgumentOutOfRangeException(nameof(capability), capability, "not a known capability"),
    };
}
