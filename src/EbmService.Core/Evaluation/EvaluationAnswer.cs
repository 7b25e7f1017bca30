using EbmService.Core.Tensors;

namespace EbmService.Core.Evaluation;

/// <summary>Whether an input looks like the training data at the asked false-positive rate.</summary>
public enum OodVerdict
{
    /// <summary>p-value above alpha.</summary>
    InDistribution,

    /// <summary>p-value at or below alpha.</summary>
    OutOfDistribution,

    /// <summary>The model version has no calibration, so there is no p-value.</summary>
    Uncalibrated,
}

/// <summary>Answers for every input of a query, in order. Members the kind doesn't ask for are null.</summary>
public sealed record EvaluationAnswer
{
    /// <value>E(x) per input, lower = more likely.</value>
    public required float[] Energies { get; init; }

    /// <value>dE/dx, shaped like the inputs.</value>
    public TensorPayload? Gradients { get; init; }

    /// <value>p(y | x), (n, classes).</value>
    public TensorPayload? Probabilities { get; init; }

    /// <value>The most probable class index per input.</value>
    public int[]? Labels { get; init; }

    /// <value>Score name to one value per input; higher = more in-distribution.</value>
    public IReadOnlyDictionary<string, float[]>? Scores { get; init; }

    /// <value>The score behind the p-values.</value>
    public string? Score { get; init; }

    /// <value>Conformal p-values: (1 + #{calibration scores &lt;= s(x)}) / (n + 1).</value>
    public double[]? PValues { get; init; }

    public OodVerdict[]? Verdicts { get; init; }

    public string? CalibrationId { get; init; }
}
