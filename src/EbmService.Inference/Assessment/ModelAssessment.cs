using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Assessment;

/// <summary>
/// Measures a model version the way clients meet it: by scoring jobs and sampling jobs.
/// </summary>
public sealed class ModelAssessment(
    ModelRepository models, IJobRunner runner, IComputeDevice device, ImageSampleAssessment imageSamples, VectorSampleAssessment vectorSamples)
{
    private const int SyntheticRows = 10_000;
    private const int QuickRows = 1000;
    private const double ConformalAlpha = 0.05;

    /// <param name="request">What to measure.</param>
    /// <param name="status">Told what is being done, in words.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<AssessmentOutcome> RunAsync(AssessmentRequest request, Action<string> status, CancellationToken cancellationToken)
    {
        InputSchema input = request.Model.Descriptor!.Input;
        OodCalibration? calibration = Calibration(request.Model.Key);
        var scorer = new SetScorer(runner, request.Model, cancellationToken);
        TensorPayload test = TestRows(request, input);
        status($"scoring {test.Rows} test rows");
        ScoredSet inside = await scorer.ScoreAsync("test", test);
        ClassificationReport? classification = await ClassifyAsync(request, scorer, test);
        var outOfDistribution = new List<OodReport>();
        foreach ((string Name, Func<TensorPayload> Rows) set in Sets(request, input, test))
            outOfDistribution.AddRange(await CompareAsync(scorer, inside, set, status));
        var report = new AssessmentReport
        {
            Model = request.Model.Reference(),
            Command = request.Command,
            Data = request.Data,
            Seed = request.Seed,
            Device = $"{device.Info.Kind}, {device.Info.Runtime}",
            Quick = request.Quick,
            EnergyMean = inside.EnergyMean,
            Classification = classification,
            OutOfDistribution = outOfDistribution,
            ConformalShareAt05 = ConformalShares(calibration, inside),
        };
        return input.Kind == InputKind.Image
            ? await imageSamples.RunAsync(request, report, test, status, cancellationToken)
            : await vectorSamples.RunAsync(request, report, test, scorer, status, cancellationToken);
    }

    private static TensorPayload TestRows(AssessmentRequest request, InputSchema input)
    {
        TensorPayload rows = request.TestRows
            ?? new TensorPayload([request.TestImages!.Count, .. input.Shape], request.TestImages.ToFloats(input));
        return request.Quick && rows.Rows > QuickRows ? rows.Slice(0, QuickRows) : rows;
    }

    private static async Task<ClassificationReport?> ClassifyAsync(AssessmentRequest request, SetScorer scorer, TensorPayload test)
    {
        int classes = request.Model.Descriptor!.Labels.Count;
        if (classes == 0 || request.TestImages?.Labels is not { } all)
            return null;
        int[] labels = all[..test.Rows];
        float[] probabilities = await scorer.ProbabilitiesAsync(test);
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
        if (Math.Min(input.Shape[1], input.Shape[2]) >= StrokeLetters.LeastSide)
            yield return ("stroke letters", () => StrokeLetters.Draw(input, Math.Min(count, 2000), (int)request.Seed));
        yield return ("constant", () => SyntheticOod.Constant(input, count, (int)request.Seed));
    }

    private static async Task<IEnumerable<OodReport>> CompareAsync(
        SetScorer scorer, ScoredSet inside, (string Name, Func<TensorPayload> Rows) set, Action<string> status)
    {
        TensorPayload rows = set.Rows();
        status($"scoring {rows.Rows} rows of '{set.Name}'");
        ScoredSet outside = await scorer.ScoreAsync(set.Name, rows);
        return inside.Scores.Keys.Select(score => new OodReport(
            set.Name, outside.Count, score, OodMetrics.Compute(inside.Scores[score], outside.Scores[score])));
    }

    private OodCalibration? Calibration(ModelKey key)
    {
        LoadedModel loaded = models.Load(key).OrThrow();
        return loaded.Calibration.ToCalibration(loaded.Hosted.CalibrationId ?? "");
    }

    private static Dictionary<string, double> ConformalShares(OodCalibration? calibration, ScoredSet inside) => calibration is null
        ? []
        : inside.Scores.Where(score => calibration.Has(score.Key)).ToDictionary(
            score => score.Key,
            score => score.Value.Count(value => calibration.PValue(score.Key, value) <= ConformalAlpha) / (double)inside.Count);
}
