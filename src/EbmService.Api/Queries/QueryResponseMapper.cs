using System.Globalization;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;

namespace EbmService.Api.Queries;

/// <summary>From an answer over the batch to one JSON object per input, or to one .npy.</summary>
internal static class QueryResponseMapper
{
    internal static EnergyResponse ToEnergy(HostedModel model, AcceptedQuery accepted, QueryAnswer answer) =>
        new(model.Key.Name, model.Key.Version, model.Digest, Each(answer, (i, error) => new EnergyResult(
            error is null ? Finite(answer.Energies[i]) : null,
            error is null && answer.Gradients is { } gradients ? new NestedNumbers(new([.. gradients.Shape.Skip(1)], gradients.Row(i).ToArray())) : null,
            error)), accepted.Warnings);

    internal static ClassifyResponse ToClassify(HostedModel model, AcceptedQuery accepted, QueryAnswer answer) =>
        new(model.Key.Name, model.Key.Version, model.Digest, Each(answer, (i, error) => new ClassifyResult(
            error is null && !Abstains(answer, i) ? LabelOf(model, answer.Labels![i]) : null,
            error is null && !Abstains(answer, i) ? answer.Labels![i] : null,
            Array.ConvertAll(answer.Probabilities!.Row(i).ToArray(), Finite),
            Finite(answer.Energies[i]),
            error,
            error is null && answer.PValues is not null ? Abstains(answer, i) : null,
            error is null ? answer.PValues?[i] : null)), accepted.Warnings, answer.Temperature);

    internal static OodResponse ToOod(HostedModel model, AcceptedQuery accepted, QueryAnswer answer)
    {
        double[]? adjusted = accepted.Query.FalseDiscoveryRate is null || answer.PValues is null ? null : FalseDiscoveries.Adjust(answer.PValues);
        return new(model.Key.Name, model.Key.Version, model.Digest, answer.Score, accepted.Query.Alpha, answer.CalibrationId, Each(answer, (i, error) => new OodResult(
            (answer.Scores ?? new Dictionary<string, float[]>()).ToDictionary(score => score.Key, score => Finite(score.Value[i])),
            error is null ? answer.PValues?[i] : null,
            error is null ? answer.Verdicts?[i] ?? OodVerdict.Uncalibrated : null,
            error,
            error is null ? adjusted?[i] : null,
            error is null && adjusted is not null ? adjusted[i] <= accepted.Query.FalseDiscoveryRate : null)), accepted.Warnings);
    }

    /// <summary>
    /// energy: (n,) energies; classify: (n, classes) probabilities; ood: (n,) p-values, or the chosen score without a calibration. A row with an
    /// error is NaN throughout: an array has no other way to say so.
    /// </summary>
    internal static TensorPayload ToTensor(ModelQuery query, QueryAnswer answer)
    {
        float[] values = query.Kind switch
        {
            QueryKind.Classification => [.. answer.Probabilities!.Values],
            QueryKind.OutOfDistribution when answer.PValues is { } pValues => Array.ConvertAll(pValues, value => (float)value),
            QueryKind.OutOfDistribution => [.. answer.Scores![answer.Score ?? answer.Scores.Keys.First()]],
            _ => [.. answer.Energies],
        };
        int width = values.Length / Math.Max(1, answer.Energies.Length);
        foreach (int row in answer.RowErrors.Keys)
            values.AsSpan(row * width, width).Fill(float.NaN);
        return new TensorPayload(query.Kind == QueryKind.Classification ? answer.Probabilities!.Shape : [values.Length], values);
    }

    private static T[] Each<T>(QueryAnswer answer, Func<int, string?, T> result) =>
        [.. Enumerable.Range(0, answer.Energies.Length).Select(row => result(row, answer.RowErrors.GetValueOrDefault(row)))];

    private static bool Abstains(QueryAnswer answer, int row) => answer.Verdicts?[row] == OodVerdict.OutOfDistribution;

    private static string LabelOf(HostedModel model, int label) => label < model.Descriptor!.Labels.Count
        ? model.Descriptor.Labels[label]
        : label.ToString(CultureInfo.InvariantCulture);

    private static float? Finite(float value) => float.IsFinite(value) ? value : null;
}
