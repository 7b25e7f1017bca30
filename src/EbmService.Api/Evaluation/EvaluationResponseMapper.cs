using EbmService.Api.Inputs;
using EbmService.Core.Evaluation;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Api.Evaluation;

/// <summary>From an answer over the batch to one JSON object per input, or to one .npy.</summary>
internal static class EvaluationResponseMapper
{
    internal static EnergyResponse ToEnergy(HostedModel model, EvaluationAnswer answer) =>
        new(model.Key.Name, model.Key.Version, model.Digest, Each(answer, i => new EnergyResult(
            Finite(answer.Energies[i]),
            answer.Gradients is { } gradients ? new NestedNumbers(new([.. gradients.Shape.Skip(1)], gradients.Row(i).ToArray())) : null)));

    internal static ClassifyResponse ToClassify(HostedModel model, EvaluationAnswer answer)
    {
        IReadOnlyList<string> names = model.Descriptor!.Labels;
        return new(model.Key.Name, model.Key.Version, model.Digest, Each(answer, i =>
        {
            int label = answer.Labels![i];
            string name = label < names.Count ? names[label] : label.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return new ClassifyResult(name, label, Array.ConvertAll(answer.Probabilities!.Row(i).ToArray(), Finite), Finite(answer.Energies[i]));
        }));
    }

    internal static OodResponse ToOod(HostedModel model, EvaluationQuery query, EvaluationAnswer answer) =>
        new(model.Key.Name, model.Key.Version, model.Digest, answer.Score, query.Alpha, answer.CalibrationId, Each(answer, i => new OodResult(
            (answer.Scores ?? new Dictionary<string, float[]>()).ToDictionary(score => score.Key, score => Finite(score.Value[i])),
            answer.PValues?[i],
            answer.Verdicts?[i] ?? OodVerdict.Uncalibrated)));

    /// <summary>energy: (n,) energies; classify: (n, classes) probabilities; ood: (n,) p-values, or the chosen score without a calibration.</summary>
    internal static TensorPayload ToTensor(EvaluationQuery query, EvaluationAnswer answer)
    {
        float[] values = query.Kind switch
        {
            EvaluationKind.Classification => answer.Probabilities!.Values,
            EvaluationKind.OutOfDistribution when answer.PValues is { } pValues => Array.ConvertAll(pValues, value => (float)value),
            EvaluationKind.OutOfDistribution => answer.Scores![answer.Score ?? answer.Scores.Keys.First()],
            _ => answer.Energies,
        };
        return query.Kind == EvaluationKind.Classification ? answer.Probabilities! : new TensorPayload([values.Length], values);
    }

    private static T[] Each<T>(EvaluationAnswer answer, Func<int, T> result) =>
        [.. Enumerable.Range(0, answer.Energies.Length).Select(result)];

    private static float? Finite(float value) => float.IsFinite(value) ? value : null;
}
