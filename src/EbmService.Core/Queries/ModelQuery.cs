using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Queries;

/// <summary>The short queries.</summary>
public enum QueryKind
{
    /// <summary>E(x), or E(x, y) where labels are given.</summary>
    Energy,

    /// <summary>softmax of the logits, optionally after refining the input by chain steps.</summary>
    Classification,

    /// <summary>Every OOD score, and the p-value of one of them.</summary>
    OutOfDistribution,
}

/// <summary>A query about a batch of inputs; answered within the request.</summary>
public sealed record ModelQuery
{
    /// <summary>
    /// Rows of the batches that models are asked in, padded where fewer are left: at a fixed batch shape a row's numbers don't depend on the others, so
    /// they are the same whatever it came with.
    /// </summary>
    public const int TileRows = 8;

    public required ModelKey Model { get; init; }

    public required QueryKind Kind { get; init; }

    /// <value>(n, ...input shape), checked against the model's schema, all finite.</value>
    public required TensorPayload Inputs { get; init; }

    /// <value>For <see cref="QueryKind.Energy"/>: also return dE/dx.</value>
    public bool Gradients { get; init; }

    /// <value>For <see cref="QueryKind.Classification"/>: deterministic descent steps on E(x) (step size of the default recipe, no noise) before classifying.</value>
    public int RefineSteps { get; init; }

    /// <value>For <see cref="QueryKind.OutOfDistribution"/>: the score behind the p-value; null for the model's own choice.</value>
    public string? Score { get; init; }

    /// <value>
    /// The calibration behind p-values and the temperature of probabilities: a name, name@version or <c>bundled</c>; null for the version's default.
    /// </value>
    public string? Calibration { get; init; }

    /// <value>For <see cref="QueryKind.Classification"/>: inputs with a p-value at or below it get no label; null for labels throughout.</value>
    public double? AbstainBelow { get; init; }

    /// <value>For <see cref="QueryKind.OutOfDistribution"/>: the false-positive rate of the verdict, in (0, 1).</value>
    public double Alpha { get; init; } = 0.05;

    /// <value>The expected share of false alarms among discoveries; null where no discoveries are asked for.</value>
    public double? FalseDiscoveryRate { get; init; }
}
