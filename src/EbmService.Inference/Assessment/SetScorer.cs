using EbmService.Core.Devices;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Inference.Ood;
using EbmService.Inference.Tasks;

namespace EbmService.Inference.Assessment;

/// <summary>A data set with all its scores; higher = more in-distribution.</summary>
/// <param name="Scores">By score name, typicality included where the version has a calibration.</param>
internal sealed record ScoredSet(string Name, int Count, IReadOnlyDictionary<string, float[]> Scores)
{
    public double EnergyMean => -Scores[OodScorer.LogDensity].Average(value => (double)value);
}

/// <summary>Asks the evaluator of the service about whole data sets, on every slot of the device.</summary>
internal sealed class SetScorer(IQueryEvaluator evaluator, IComputeDevice device, ModelKey model, CancellationToken cancellationToken)
{
    private const int Rows = 256;

    public ScoredSet Score(string name, TensorPayload inputs)
    {
        QueryAnswer[] answers = Ask(inputs, QueryKind.OutOfDistribution);
        return new ScoredSet(name, inputs.Rows, answers[0].Scores!.Keys.ToDictionary(
            score => score, score => answers.SelectMany(answer => answer.Scores![score]).ToArray()));
    }

    /// <summary>p(y | x), (n, classes).</summary>
    public float[] Probabilities(TensorPayload inputs) =>
        [.. Ask(inputs, QueryKind.Classification).SelectMany(answer => answer.Probabilities!.Values)];

    public float[] Energies(TensorPayload inputs) => [.. Ask(inputs, QueryKind.Energy).SelectMany(answer => answer.Energies)];

    private QueryAnswer[] Ask(TensorPayload inputs, QueryKind kind)
    {
        int parts = (inputs.Rows + Rows - 1) / Rows;
        var answers = new QueryAnswer[parts];
        SlotThreads.ForEach(device, parts, part =>
        {
            int first = part * Rows, count = Math.Min(Rows, inputs.Rows - first);
            var rows = new TensorPayload(
                [count, .. inputs.Shape.Skip(1)], inputs.Values.AsSpan(first * inputs.RowLength, count * inputs.RowLength).ToArray());
            var query = new ModelQuery { Model = model, Kind = kind, Inputs = rows };
            answers[part] = evaluator.Evaluate([query])[0].OrThrow();
        }, cancellationToken);
        return answers;
    }
}
