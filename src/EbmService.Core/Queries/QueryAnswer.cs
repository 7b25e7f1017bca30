using EbmService.Core.Tensors;

namespace EbmService.Core.Queries;

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
public sealed record QueryAnswer
{
    /// <value>E(x) per input, lower = more likely.</value>
    public required float[] Energies { get; init; }

    /// <value>dE/dx, shaped like the inputs.</value>
    public TensorPayload? Gradients { get; init; }

    /// <value>p(y | x), (n, classes).</value>
    public TensorPayload? Probabilities { get; init; }

    /// <value>Why an input has no answer, by its row: a number that its answer rests on is not finite. Empty where all have one.</value>
    public IReadOnlyDictionary<int, string> RowErrors { get; init; } = new Dictionary<int, string>();

    /// <value>The most probable class index per input; of no meaning in a row with an error.</value>
    public int[]? Labels { get; init; }

    /// <value>Score name to one value per input; higher = more in-distribution.</value>
    public IReadOnlyDictionary<string, float[]>? Scores { get; init; }

    /// <value>The score behind the p-values.</value>
    public string? Score { get; init; }

    /// <value>Conformal p-values, NaN in a row with an error: (1 + #{calibration scores &lt;= s(x)}) / (n + 1).</value>
    public double[]? PValues { get; init; }

    /// <value>Of no meaning in a row with an error.</value>
    public OodVerdict[]? Verdicts { get; init; }

    public string? CalibrationId { get; init; }

    /// <value>What the logits were divided by; null for nothing.</value>
    public float? Temperature { get; init; }

    /// <summary>The answer to a query from those to consecutive parts of its inputs, in order.</summary>
    public static QueryAnswer Join(IReadOnlyList<QueryAnswer> parts)
    {
        QueryAnswer first = parts[0];
        var errors = new Dictionary<int, string>();
        int row = 0;
        foreach (QueryAnswer part in parts)
        {
            foreach ((int failed, string error) in part.RowErrors)
                errors[row + failed] = error;
            row += part.Energies.Length;
        }
        return first with
        {
            Energies = [.. parts.SelectMany(part => part.Energies)],
            Gradients = Join(parts, part => part.Gradients),
            Probabilities = Join(parts, part => part.Probabilities),
            RowErrors = errors,
            Labels = first.Labels is null ? null : [.. parts.SelectMany(part => part.Labels!)],
            Scores = first.Scores?.Keys.ToDictionary(name => name, name => (float[])[.. parts.SelectMany(part => part.Scores![name])]),
            PValues = first.PValues is null ? null : [.. parts.SelectMany(part => part.PValues!)],
            Verdicts = first.Verdicts is null ? null : [.. parts.SelectMany(part => part.Verdicts!)],
        };
    }

    /// <summary>The same with <see cref="RowErrors"/>, of whatever numbers it holds.</summary>
    public QueryAnswer WithRowErrors()
    {
        var errors = new Dictionary<int, string>();
        for (int row = 0; row < Energies.Length; row++)
        {
            if (NotFinite(row) is { } what)
                errors[row] = $"The {what} of this input is not finite: the input lies beyond what the model can compute in float32.";
        }
        return errors.Count == 0 ? this : this with
        {
            RowErrors = errors,
            PValues = PValues is null ? null : [.. PValues.Select((value, row) => errors.ContainsKey(row) ? double.NaN : value)],
        };
    }

    private static TensorPayload? Join(IReadOnlyList<QueryAnswer> parts, Func<QueryAnswer, TensorPayload?> member) =>
        member(parts[0]) is not { } first ? null : new TensorPayload(
            [parts.Sum(part => member(part)!.Rows), .. first.Shape.Skip(1)], [.. parts.SelectMany(part => member(part)!.Values)]);

    private string? NotFinite(int row)
    {
        if (!float.IsFinite(Energies[row]))
            return "energy";
        if (Scores?.FirstOrDefault(score => !float.IsFinite(score.Value[row])).Key is { } score)
            return $"score '{score}'";
        if (HasNotFinite(Probabilities, row))
            return "class probabilities";
        return HasNotFinite(Gradients, row) ? "gradient" : null;
    }

    private static bool HasNotFinite(TensorPayload? rows, int row)
    {
        if (rows is null)
            return false;
        foreach (float value in rows.Row(row))
        {
            if (!float.IsFinite(value))
                return true;
        }
        return false;
    }
}
