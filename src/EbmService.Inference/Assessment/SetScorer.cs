using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Scoring;
using EbmService.Core.Tensors;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Assessment;

/// <summary>A data set with all its scores; higher = more in-distribution.</summary>
/// <param name="Scores">By score name, those of one pass and those that the version's calibration brings along.</param>
internal sealed record ScoredSet(string Name, int Count, IReadOnlyDictionary<string, float[]> Scores)
{
    public double EnergyMean => -Scores[OodScorer.LogDensity].Average(value => (double)value);
}

/// <summary>Scores whole data sets by scoring jobs.</summary>
internal sealed class SetScorer(IJobRunner runner, HostedModel model, CancellationToken cancellationToken)
{
    public async Task<ScoredSet> ScoreAsync(string name, TensorPayload inputs)
    {
        string[] names = [.. ScoringOutput.Of(model).Where(name => ScoringOutput.IsScore(name) && !OodScorer.Chain.Contains(name))];
        FinishedJob done = await RunAsync(inputs, names);
        var scores = new Dictionary<string, float[]>();
        foreach (string score in names)
            scores[score] = (await ReadAsync(done, score)).Values;
        return new ScoredSet(name, inputs.Rows, scores);
    }

    /// <summary>p(y | x), (n, classes).</summary>
    public async Task<float[]> ProbabilitiesAsync(TensorPayload inputs)
    {
        TensorPayload logits = await ReadAsync(await RunAsync(inputs, [ScoringOutput.Logits]), ScoringOutput.Logits);
        return [.. Enumerable.Range(0, logits.Rows).SelectMany(row => Softmax(logits.Row(row).ToArray()))];
    }

    public async Task<float[]> EnergiesAsync(TensorPayload inputs) =>
        (await ReadAsync(await RunAsync(inputs, [ScoringOutput.Energy]), ScoringOutput.Energy)).Values;

    private Task<FinishedJob> RunAsync(TensorPayload inputs, IReadOnlyList<string> outputs) =>
        runner.RunAsync(
            ScoringJob.Name, model, new ScoringRequest { Data = inputs, Outputs = outputs, OutOfRange = OutOfRange.Allow },
            report: null, cancellationToken);

    private async Task<TensorPayload> ReadAsync(FinishedJob done, string output) =>
        NpyFormat.Read(await done.ReadAsync($"{output}.npy", cancellationToken));

    private static IEnumerable<float> Softmax(float[] logits)
    {
        double largest = logits.Max();
        double[] weights = [.. logits.Select(logit => Math.Exp(logit - largest))];
        double sum = weights.Sum();
        return weights.Select(weight => (float)(weight / sum));
    }
}
