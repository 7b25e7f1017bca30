using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Evaluation;

/// <summary>The short questions.</summary>
public enum EvaluationKind
{
    /// <summary>E(x), or E(x, y) where labels are given.</summary>
    Energy,

    /// <summary>softmax of the logits, optionally after refining the input by chain steps.</summary>
    Classification,

    /// <summary>Every OOD score, and the p-value of one of them.</summary>
    OutOfDistribution,
}

/// <summary>A question about a batch of inputs; answered within the request.</summary>
public sealed record EvaluationQuery
{
    public required ModelKey Model { get; init; }

    public required EvaluationKind Kind { get; init; }

    /// <value>(n, ...input shape), checked against the model's schema, all finite.</value>
    public required TensorPayload Inputs { get; init; }

    /// <value>For <see cref="EvaluationKind.Energy"/>: also return dE/dx.</value>
    public bool Gradients { get; init; }

    /// <value>
    /// For <see cref="EvaluationKind.Classification"/>: deterministic descent steps on E(x) (step size of the default
    /// recipe, no noise) before classifying.
    /// </value>
    public int RefineSteps { get; init; }

    /// <value>For <see cref="EvaluationKind.OutOfDistribution"/>: the score behind the p-value; null for the model's own choice.</value>
    public string? Score { get; init; }

    /// <value>For <see cref="EvaluationKind.OutOfDistribution"/>: the false-positive rate of the verdict, in (0, 1).</value>
    public double Alpha { get; init; } = 0.05;
}

/// <summary>Answers short questions. Called on a slot's thread only, between quanta.</summary>
public interface IModelEvaluator
{
    /// <summary>
    /// Answers many queries at once; their rows are packed into fixed-shape
    /// tiles, so an answer never depends on its neighbours.
    /// </summary>
    /// <returns>One outcome per query, in order: a query that fails does not take others with it.</returns>
    IReadOnlyList<Outcome<EvaluationAnswer>> Evaluate(IReadOnlyList<EvaluationQuery> queries);
}
