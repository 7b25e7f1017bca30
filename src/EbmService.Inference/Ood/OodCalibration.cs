namespace EbmService.Inference.Ood;

/// <summary>
/// Scores of in-distribution data that the model was not trained on,
/// versioned with the model: what p-values compare with.
/// </summary>
public sealed class OodCalibration
{
    private readonly Dictionary<string, float[]> _sorted;
    private readonly float? _typicalityMean;

    /// <param name="id">The digest of the calibration file.</param>
    /// <param name="scores">One array per score.</param>
    /// <param name="typicalityMean">What typicality is centred on, fitted on other rows than those of its scores; null
    /// where there is none.</param>
    public OodCalibration(string id, IReadOnlyDictionary<string, float[]> scores, float? typicalityMean)
    {
        Id = id;
        _typicalityMean = typicalityMean;
        _sorted = scores.ToDictionary(pair => pair.Key, pair => Sorted(pair.Value));
    }

    public string Id { get; }

    /// <value>Scores that the calibration brings along; null where there are none.</value>
    internal FittedScores? Fitted { get; init; }

    /// <value>The score that is meant where a request names none; null for the model's own choice.</value>
    public string? DefaultScore { get; init; }

    /// <value>Divides logits before the softmax; null where it was not fitted.</value>
    public float? Temperature { get; init; }

    /// <value>Whether <see cref="Typicality(float)"/> is fitted.</value>
    public bool HasTypicality => _typicalityMean is not null;

    public IEnumerable<string> Names => _sorted.Keys.Order(StringComparer.Ordinal);

    /// <summary>
    /// Calibrates what is fitted on held-out data itself: typicality's mean comes from the even rows, its scores from the odd
    /// ones. Centred on the rows that inputs are compared with, p-values would be too small (19 rows: 0.062 of in-distribution
    /// inputs refused at alpha 0.05).
    /// </summary>
    /// <param name="rows">One array per score, in the random order in which the rows were held out.</param>
    /// <returns>The scores, with typicality where there are two rows, and its mean.</returns>
    public static (IReadOnlyDictionary<string, float[]> Scores, float? TypicalityMean) Fit(IReadOnlyDictionary<string, float[]> rows)
    {
        float[] logDensity = rows[OodScorer.LogDensity];
        if (logDensity.Length < 2)
            return (rows, null);
        float mean = logDensity.Where((_, row) => row % 2 == 0).Average();
        return (new Dictionary<string, float[]>(rows)
        {
            [OodScorer.Typicality] = [.. logDensity.Where((_, row) => row % 2 == 1).Select(value => Typicality(value, mean))],
        }, mean);
    }

    /// <summary>Whether p-values can be given for that score.</summary>
    public bool Has(string score) => _sorted.ContainsKey(score);

    /// <summary>-|log-density - mean of the rows it was fitted on|.</summary>
    /// <exception cref="InvalidOperationException">It is not fitted.</exception>
    public float Typicality(float logDensity) =>
        Typicality(logDensity, _typicalityMean ?? throw new InvalidOperationException("the calibration has no typicality"));

    /// <summary>
    /// The split-conformal p-value (1 + #{calibration scores &lt;= s}) / (n + 1): under exchangeability with the calibration data,
    /// P(p &lt;= alpha) &lt;= alpha; near 0 = out of distribution. NaN counts as the lowest possible, as a score and in the calibration.
    /// </summary>
    public double PValue(string score, float value)
    {
        float[] sorted = _sorted[score];
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            int middle = low + (high - low) / 2;
            if (sorted[middle].CompareTo(value) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        return (1.0 + low) / (sorted.Length + 1.0);
    }

    /// <summary>How many rows p-values of the score compare with; 0 without it.</summary>
    public int CountOf(string score) => _sorted.TryGetValue(score, out float[]? sorted) ? sorted.Length : 0;

    /// <summary>1 / (n + 1), the smallest p-value that the score can get: at a level below it nothing can be refused.</summary>
    public double SmallestPValue(string score) => 1 / (_sorted[score].Length + 1.0);

    private static float Typicality(float logDensity, float mean) => -MathF.Abs(logDensity - mean);

    private static float[] Sorted(float[] values)
    {
        float[] copy = [.. values];
        Array.Sort(copy);
        return copy;
    }
}
