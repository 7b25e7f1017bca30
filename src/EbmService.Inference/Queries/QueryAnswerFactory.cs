using System.Globalization;
using EbmService.Core.Failures;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Queries;

/// <summary>Cuts one query's rows out of a pass and adds labels, p-values and verdicts.</summary>
internal static class QueryAnswerFactory
{
    public static Outcome<QueryAnswer> Create(ModelQuery query, LiveModel model, QueryPass pass, int row)
    {
        Outcome<QueryAnswer> answer = Cut(query, model, pass, row);
        return answer.Succeeded ? answer.Value.WithRowErrors() : answer;
    }

    private static Outcome<QueryAnswer> Cut(ModelQuery query, LiveModel model, QueryPass pass, int row)
    {
        int rows = query.Inputs.Rows;
        return query.Kind switch
        {
            QueryKind.Energy => new QueryAnswer
            {
                Energies = pass.Energies[row..(row + rows)],
                Gradients = query.Gradients ? Slice(pass.Details, query.Inputs.Shape, row, rows) : null,
            },
            QueryKind.Classification => Classified(query, model, pass, row, rows),
            _ => Scored(query, model, pass, row, rows),
        };
    }

    private static Outcome<QueryAnswer> Classified(ModelQuery query, LiveModel model, QueryPass pass, int row, int rows)
    {
        TensorPayload probabilities = Slice(pass.Details, [rows, model.Energy.Classes], row, rows);
        var labels = new int[rows];
        for (int i = 0; i < rows; i++)
            labels[i] = ArgMax(probabilities.Row(i));
        var answer = new QueryAnswer
        {
            Energies = pass.Energies[row..(row + rows)], Probabilities = probabilities, Labels = labels, Temperature = pass.Calibration?.Temperature,
        };
        if (query.AbstainBelow is not { } level)
            return answer;
        Outcome<QueryAnswer> scored = Scored(query with { Alpha = level, Score = null }, model, pass, row, rows, "abstainBelow");
        if (!scored.Succeeded)
            return scored;
        if (scored.Value.PValues is null)
            return Failure.OfFields([new FieldError("abstainBelow", $"The model '{model.Hosted.Key.Name}' has no calibration, so there are no p-values: leave it out.")]);
        return answer with
        {
            PValues = scored.Value.PValues, Verdicts = scored.Value.Verdicts, Score = scored.Value.Score, CalibrationId = scored.Value.CalibrationId,
        };
    }

    private static Outcome<QueryAnswer> Scored(ModelQuery query, LiveModel model, QueryPass pass, int row, int rows, string field = "alpha")
    {
        Dictionary<string, float[]> scores = pass.Scores.ToDictionary(pair => pair.Key, pair => pair.Value[row..(row + rows)]);
        OodCalibration? calibration = pass.Calibration;
        string score = query.Score ?? DefaultScore(model, calibration, scores);
        if (!scores.TryGetValue(score, out float[]? chosen))
            return Failure.OfFields([new FieldError("score", $"The model has no score '{score}'. It has: {string.Join(", ", scores.Keys)}.")]);

        if (calibration?.Has(score) == true && query.Alpha < calibration.SmallestPValue(score))
            return Failure.OfFields([new FieldError(field, AlphaTooSmall(query.Alpha, score, calibration.SmallestPValue(score)))]);
        if (query.FalseDiscoveryRate is { } rate && FaultOfRate(rate, score, model, calibration) is { } fault)
            return Failure.OfFields([new FieldError("falseDiscoveryRate", fault)]);

        // A calibration may lack a score: only the log-density is required of it.
        double[]? pValues = calibration?.Has(score) != true ? null : [.. chosen.Select(value => calibration.PValue(score, value))];
        return new QueryAnswer
        {
            Energies = [.. scores[OodScorer.LogDensity].Select(value => -value)],
            Scores = scores,
            Score = score,
            PValues = pValues,
            Verdicts = [.. Enumerable.Range(0, rows).Select(i => Verdict(pValues?[i], query.Alpha))],
            CalibrationId = calibration?.Id,
        };
    }

    /// <summary>That of the calibration, else the model's own; the log-density where that needs a calibration which lacks it.</summary>
    private static string DefaultScore(LiveModel model, OodCalibration? calibration, Dictionary<string, float[]> scores)
    {
        string wanted = calibration?.DefaultScore ?? model.Descriptor.OodScore;
        return OodScorer.Fitted.Contains(wanted) && !scores.ContainsKey(wanted) ? OodScorer.LogDensity : wanted;
    }

    private static string AlphaTooSmall(double alpha, string score, double smallest) => string.Create(
        CultureInfo.InvariantCulture,
        $"{alpha} is finer than the calibration of '{score}': its p-values are multiples of {smallest:R}, so nothing could be refused. "
        + $"Give at least {smallest:R}, or choose another score.");

    private static string? FaultOfRate(double rate, string score, LiveModel model, OodCalibration? calibration)
    {
        if (calibration?.Has(score) != true)
            return $"The model '{model.Hosted.Key.Name}' has no calibration of '{score}', so there are no p-values: leave it out.";
        return rate < calibration.SmallestPValue(score) ? AlphaTooSmall(rate, score, calibration.SmallestPValue(score)) : null;
    }

    private static int ArgMax(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }
        return best;
    }

    private static OodVerdict Verdict(double? pValue, double alpha) => pValue is not { } p
        ? OodVerdict.Uncalibrated
        : p <= alpha ? OodVerdict.OutOfDistribution : OodVerdict.InDistribution;

    private static TensorPayload Slice(float[] values, IReadOnlyList<int> shape, int row, int rows)
    {
        int width = shape.Skip(1).Aggregate(1, (product, size) => product * size);
        return new TensorPayload([rows, .. shape.Skip(1)], values[(row * width)..((row + rows) * width)]);
    }
}
