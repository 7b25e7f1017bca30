using System.Text;
using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Models;

/// <summary>What a calibration file holds.</summary>
/// <param name="Scores">Of in-distribution rows that nothing was trained or fitted on, by score name.</param>
/// <param name="TypicalityMean">See <see cref="ModelFiles.TypicalityMean"/>; null where typicality is not among the scores.</param>
public sealed record CalibrationContent(IReadOnlyDictionary<string, float[]> Scores, float? TypicalityMean)
{
    /// <summary>The score that every calibration has: the others are optional.</summary>
    internal const string RequiredScore = OodScorer.LogDensity;

    private static readonly double[] ReferenceQuantiles = [0.05, 0.5, 0.95];

    private const string ScoreKey = "score";
    private const string ClassificationKey = "classification";

    public static CalibrationContent None { get; } = new(new Dictionary<string, float[]>(), null);

    /// <value>What further scores are computed with; null where there are none.</value>
    internal FittedScores? Fitted { get; init; }

    /// <value>The score that is meant where a request names none; null for the model's own choice.</value>
    public string? DefaultScore { get; init; }

    /// <value>Divides logits before the softmax; null where it was not fitted.</value>
    public float? Temperature { get; init; }

    /// <value>What the temperature does on rows that it was not fitted on.</value>
    public TemperatureReport? Classification { get; init; }

    /// <summary>Of the energies of its rows: what inputs are like that the model was made for. Empty without scores.</summary>
    public IReadOnlyList<(double Quantile, double Energy)> EnergyQuantiles()
    {
        if (!Scores.TryGetValue(RequiredScore, out float[]? logDensities) || logDensities.Length == 0)
            return [];
        float[] energies = [.. logDensities.Select(value => -value).Order()];
        return [.. ReferenceQuantiles.Select(quantile => (quantile, (double)energies[(int)Math.Round(quantile * (energies.Length - 1))]))];
    }

    /// <summary>As p-values are computed with it; null where there are no scores.</summary>
    /// <param name="id">The digest of the file.</param>
    public OodCalibration? ToCalibration(string id) => Scores.Count == 0
        ? null
        : new OodCalibration(id, Scores, TypicalityMean) { Fitted = Fitted, DefaultScore = DefaultScore, Temperature = Temperature };

    /// <summary>The file's bytes; scores ascending.</summary>
    public byte[] ToBytes()
    {
        Dictionary<string, SafetensorsTensor> tensors = Scores.ToDictionary(
            score => ModelFiles.ScorePrefix + score.Key,
            score => SafetensorsTensor.FromFloats([.. score.Value.Order()], [score.Value.Length]));
        if (TypicalityMean is { } mean)
            tensors[ModelFiles.TypicalityMean] = SafetensorsTensor.FromFloats([mean], [1]);
        if (Temperature is { } temperature)
            tensors[ModelFiles.Temperature] = SafetensorsTensor.FromFloats([temperature], [1]);
        Fitted?.AddTo(tensors);
        var metadata = new Dictionary<string, string>();
        if (DefaultScore is not null)
            metadata[ScoreKey] = DefaultScore;
        if (Classification is not null)
            metadata[ClassificationKey] = JsonSerializer.Serialize(Classification, EbmJson.Options);
        return SafetensorsFile.Write(tensors, metadata.Count == 0 ? null : metadata);
    }

    /// <exception cref="InvalidModelException">The file is no calibration.</exception>
    internal static CalibrationContent Read(SafetensorsFile file)
    {
        const string typicality = ModelFiles.ScorePrefix + OodScorer.Typicality;
        ModelTensors.RefuseOthers(file, ModelFiles.Calibration, name => name is ModelFiles.TypicalityMean or ModelFiles.Temperature
            || FittedScores.Owns(name) || name.StartsWith(ModelFiles.ScorePrefix, StringComparison.Ordinal));
        if (!file.Tensors.ContainsKey(ModelFiles.ScorePrefix + RequiredScore))
            throw new InvalidModelException($"'{ModelFiles.Calibration}' lacks the tensor '{ModelFiles.ScorePrefix + RequiredScore}'");
        if (file.Tensors.ContainsKey(ModelFiles.TypicalityMean) != file.Tensors.ContainsKey(typicality))
            throw new InvalidModelException($"'{ModelFiles.Calibration}' needs both or neither of '{typicality}' and '{ModelFiles.TypicalityMean}'");
        long count = file.Tensors[ModelFiles.ScorePrefix + RequiredScore].Count;
        var scores = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach ((string name, SafetensorsTensor tensor) in file.Tensors.Where(tensor => !FittedScores.Owns(tensor.Key)))
        {
            bool isFitted = name.StartsWith(ModelFiles.ScorePrefix, StringComparison.Ordinal)
                && OodScorer.Fitted.Contains(name[ModelFiles.ScorePrefix.Length..]);
            // A fitted score has no rows of those that it was fitted on.
            long[] shape = name is ModelFiles.TypicalityMean or ModelFiles.Temperature ? [1] : isFitted ? [tensor.Count] : [count];
            ModelTensors.CheckFloats(ModelFiles.Calibration, name, tensor, shape);
            float[] values = tensor.ToFloats();
            if (values.Length == 0)
                throw new InvalidModelException($"'{ModelFiles.Calibration}' has no scores");
            if (!name.StartsWith(ModelFiles.ScorePrefix, StringComparison.Ordinal))
                continue;
            Array.Sort(values);
            scores[name[ModelFiles.ScorePrefix.Length..]] = values;
        }
        return new CalibrationContent(scores, Number(file, ModelFiles.TypicalityMean))
        {
            Fitted = ReadFitted(file, scores.Keys),
            DefaultScore = file.Metadata.GetValueOrDefault(ScoreKey),
            Temperature = Number(file, ModelFiles.Temperature),
            Classification = file.Metadata.TryGetValue(ClassificationKey, out string? report)
                ? ModelJson.Parse<TemperatureReport>(Encoding.UTF8.GetBytes(report), ModelFiles.Calibration) : null,
        };
    }

    private static float? Number(SafetensorsFile file, string name) =>
        file.Tensors.TryGetValue(name, out SafetensorsTensor? tensor) ? tensor.ToFloats()[0] : null;

    private static FittedScores? ReadFitted(SafetensorsFile file, IEnumerable<string> scores)
    {
        try
        {
            FittedScores? fitted = FittedScores.Read(file);
            if (scores.Intersect(OodScorer.Fitted).Where(name => name != OodScorer.Typicality).Except(fitted?.Names ?? []).FirstOrDefault() is { } alone)
                throw new InvalidModelException($"'{ModelFiles.Calibration}' has the score '{alone}' without what it is fitted with");
            return fitted;
        }
        catch (InvalidCheckpointException e)
        {
            throw new InvalidModelException($"'{ModelFiles.Calibration}': {e.Message}", e);
        }
    }
}
