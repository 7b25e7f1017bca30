namespace EbmService.Inference.Ood;

/// <summary>Scores of in-distribution data that the model was not trained on, versioned with the model: the yardstick of p-values.</summary>
public sealed class OodCalibration
{
    private readonly Dictionary<string, float[]> _sorted;
    private readonly float _logDensityMean;

    /// <param name="id">The digest of the calibration file.</param>
    /// <param name="scores">One array per score, without typicality, which is derived here.</param>
    public OodCalibration(string id, IReadOnlyDictionary<string, float[]> scores)
    {
        Id = id;
        _sorted = scores.ToDictionary(pair => pair.Key, pair => Sorted(pair.Value));
        _logDensityMean = scores[OodScorer.LogDensity].Average();
        _sorted[OodScorer.Typicality] = Sorted([.. scores[OodScorer.LogDensity].Select(Typicality)]);
    }

    public string Id { get; }

    /// <summary>Whether p-values can be given for that score.</summary>
    public bool Has(string score) => _sorted.ContainsKey(score);

    public IEnumerable<string> Names => _sorted.Keys.Order(StringComparer.Ordinal);

    /// <summary>-|log-density - calibration mean|.</summary>
    public float Typicality(float logDensity) => -MathF.Abs(logDensity - _logDensityMean);

    /// <summary>(1 + #{calibration scores &lt;= s}) / (n + 1): near 0 = out of distribution.</summary>
    public double PValue(string score, float value) => ConformalPValues.PValue(_sorted[score], value);

    private static float[] Sorted(float[] values)
    {
        float[] copy = [.. values];
        Array.Sort(copy);
        return copy;
    }
}
