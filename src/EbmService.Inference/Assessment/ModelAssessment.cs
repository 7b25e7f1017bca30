using EbmService.Core.Devices;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Assessment;

/// <summary>
/// Measures a model version the way clients meet it: through the evaluator and the sampling workloads of the service.
/// </summary>
public sealed class ModelAssessment(
    ModelRepository models, IQueryEvaluator evaluator, IComputeDevice device, ImageSampleAssessment imageSamples, VectorSampleAssessment vectorSamples)
{
    private const int SyntheticRows = 10_000;
    private const int QuickRows = 1000;
    private const double ConformalAlpha = 0.05;

    /// <param name="request">What to measure.</param>
    /// <param name="status">Told what is being done, in words.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public AssessmentOutcome Run(AssessmentRequest request, Action<string> status, CancellationToken cancellationToken)
    {
        InputSchema input = request.Model.Descriptor!.Input;
        var scorer = new SetScorer(evaluator, device, request.Model.Key, cancellationToken);
        TensorPayload test = TestRows(request, input);
        status($"scoring {test.Rows} test rows");
        ScoredSet inside = scorer.Score("test", test);
        var report = new AssessmentReport
        {
            Model = request.Model.Reference(),
            Command = request.Command,
            Data = request.Data,
            Seed = request.Seed,
            Device = $"{device.Info.Kind}, {device.Info.Runtime}",
            Quick = request.Quick,
            EnergyMean = inside.EnergyMean,
            Classification = Classify(request, scorer, test),
            OutOfDistribution = [.. Sets(request, input, test).SelectMany(set => Compare(scorer, inside, set, status))],
            ConformalShareAt05 = ConformalShares(request.Model.Key, inside),
        };
        return input.Kind == InputKind.Image
            ? imageSamples.Run(request, report, test, status, cancellationToken)
            : vectorSamples.Run(request, report, test, scorer, status, cancellationToken);
    }

    private static TensorPayload TestRows(AssessmentRequest request, InputSchema input)
    {
        TensorPayload rows = request.TestRows
            ?? new TensorPayload([request.TestImages!.Count, .. input.Shape], request.TestImages.ToFloats(input));
        return request.Quick && rows.Rows > QuickRows ? rows.Slice(0, QuickRows) : rows;
    }

    private static ClassificationReport? Classify(AssessmentRequest request, SetScorer scorer, TensorPayload test)
    {
        int classes = request.Model.Descriptor!.Labels.Count;
        if (classes == 0 || request.TestImages?.Labels is not { } all)
            return null;
        int[] labels = all[..test.Rows];
        float[] probabilities = scorer.Probabilities(test);
        double likelihood = labels.Select((label, i) => -Math.Log(Math.Max(1e-12, probabilities[i * classes + label]))).Average();
        return new ClassificationReport(
            test.Rows,
            ClassificationMetrics.Accuracy(ClassificationMetrics.Predictions(probabilities, classes), labels),
            likelihood,
            ClassificationMetrics.ExpectedCalibrationError(probabilities, classes, labels));
    }

    private static IEnumerable<(string Name, Func<TensorPayload> Rows)> Sets(AssessmentRequest request, InputSchema input, TensorPayload test)
    {
        int count = request.Quick ? QuickRows : Math.Min(SyntheticRows, test.Rows);
        foreach ((string name, Data.ImageDataset images) in request.OutOfDistribution)
            yield return (name, () => new TensorPayload([images.Count, .. input.Shape], images.ToFloats(input)));
        yield return ("uniform noise", () => SyntheticOod.UniformNoise(input, count, (int)request.Seed));
        if (input.Kind != InputKind.Image)
            yield break;
        yield return ("flipped", () => SyntheticOod.Flipped(test));
        yield return ("inverted", () => SyntheticOod.Inverted(test, input));
        yield return ("constant", () => SyntheticOod.Constant(input, count, (int)request.Seed));
    }

    private static IEnumerable<OodReport> Compare(
        SetScorer scorer, ScoredSet inside, (string Name, Func<TensorPayload> Rows) set, Action<string> status)
    {
        TensorPayload rows = set.Rows();
        status($"scoring {rows.Rows} rows of '{set.Name}'");
        ScoredSet outside = scorer.Score(set.Name, rows);
        return inside.Scores.Keys.Select(score => new OodReport(
            set.Name, outside.Count, score, OodMetrics.Compute(inside.Scores[score], outside.Scores[score])));
    }

    private Dictionary<string, double> ConformalShares(ModelKey key, ScoredSet inside)
    {
        LoadedModel loaded = models.Load(key).OrThrow();
        if (loaded.Calibration.Count == 0)
            return [];
        var calibration = new OodCalibration(loaded.Hosted.CalibrationId!, loaded.Calibration, loaded.TypicalityMean);
        return inside.Scores.Where(score => calibration.Has(score.Key)).ToDictionary(
            score => score.Key,
            score => score.Value.Count(value => calibration.PValue(score.Key, value) <= ConformalAlpha) / (double)inside.Count);
    }
}
