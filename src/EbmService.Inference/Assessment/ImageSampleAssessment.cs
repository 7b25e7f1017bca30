using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Assessment;

/// <summary>Draws class-conditional images and has an independent classifier judge them.</summary>
public sealed class ImageSampleAssessment(RecipeSampler sampler, IImageCodec images)
{
    private const int LongFactor = 20;
    private const int PicturedPerClass = 10;

    internal async Task<AssessmentOutcome> RunAsync(
        AssessmentRequest request, AssessmentReport report, TensorPayload test, Action<string> status, CancellationToken cancellationToken)
    {
        if (request.Model.Descriptor!.Labels.Count == 0 || request.TrainImages?.Labels is null || request.TestImages?.Labels is null)
            return new AssessmentOutcome(report, new Dictionary<string, byte[]>());
        using IndependentClassifier judge = Judge(request, status, cancellationToken);
        var context = new Context(request, judge, test, new TensorPayload(
            [request.TrainImages.Count, .. test.Shape.Skip(1)], request.TrainImages.ToFloats(request.Model.Descriptor.Input)));
        float[] probabilities = judge.Probabilities(test);
        double accuracy = ClassificationMetrics.Accuracy(
            ClassificationMetrics.Predictions(probabilities, context.Classes), context.TestLabels);
        status($"the independent classifier is right on {accuracy:P2} of the test images");

        var pictures = new Dictionary<string, byte[]>();
        ImageSamplesReport[] samples =
        [
            await SampleAsync(context, request.Quick ? 10 : 100, null, pictures, status, cancellationToken),
            await SampleAsync(context, request.Quick ? 2 : 20, LongFactor, pictures, status, cancellationToken),
        ];
        return new AssessmentOutcome(report with
        {
            IndependentClassifier = new ClassifierReport(accuracy, judge.ParameterCount, Math.Round(judge.TrainingSeconds, 1)),
            ImageSamples = samples,
        }, pictures);
    }

    internal static IndependentClassifier Judge(AssessmentRequest request, Action<string> status, CancellationToken cancellationToken)
    {
        (InputSchema input, int classes) = (request.Model.Descriptor!.Input, request.Model.Descriptor.Labels.Count);
        if (request.ClassifierFile is { } file && File.Exists(file))
            return IndependentClassifier.Load(file, input, classes);
        int told = 0;
        void Report(double share, double loss)
        {
            if ((int)(share * 10) <= told)
                return;
            told = (int)(share * 10);
            status($"training the independent classifier: {share:P0}, loss {loss:F3}");
        }

        IndependentClassifier judge = IndependentClassifier.Train(
            request.TrainImages!, input, classes, request.Quick ? 0.3 : 3, request.Seed, Report, cancellationToken);
        if (request.ClassifierFile is { } target)
            judge.Save(target);
        return judge;
    }

    private async Task<ImageSamplesReport> SampleAsync(
        Context context, int perClass, int? factor, Dictionary<string, byte[]> pictures, Action<string> status, CancellationToken cancellationToken)
    {
        HostedModel model = context.Request.Model;
        int classes = context.Classes;
        int own = Core.Sampling.SamplingSpecFactory.FindRecipe(model.Descriptor!, model.Descriptor!.DefaultRecipe)!.Steps;
        RecipeSamples samples = await sampler.DrawAsync(
            model, classes * perClass, own * (factor ?? 1), [.. Enumerable.Range(0, classes)], context.Request.Seed, status, cancellationToken);
        // A column per class in the sampler's order; a row per class is easier to read.
        TensorPayload rows = samples.Rows.Take(
            [.. Enumerable.Range(0, classes).SelectMany(c => Enumerable.Range(0, Math.Min(perClass, PicturedPerClass)).Select(i => i * classes + c))]);
        pictures[$"samples-{samples.Spec.Steps}.png"] = images.EncodeGrid(rows, model.Descriptor.Input, Math.Min(perClass, PicturedPerClass));
        status($"judging {samples.Rows.Rows} samples of {samples.Spec.Steps} steps");
        return Measure(context, samples);
    }

    private static ImageSamplesReport Measure(Context context, RecipeSamples samples)
    {
        int classes = context.Classes, count = samples.Rows.Rows;
        float[] probabilities = context.Judge.Probabilities(samples.Rows);
        int[] predictions = ClassificationMetrics.Predictions(probabilities, classes);
        double[] agreement = [.. Enumerable.Range(0, classes).Select(c => Rows(count, classes, c).Average(i => predictions[i] == c ? 1.0 : 0.0))];
        double[] diversity =
        [
            .. Enumerable.Range(0, classes).Select(c =>
                SampleDistances.MeanWithin(samples.Rows.Take([.. Rows(count, classes, c)])) / SampleDistances.MeanWithin(context.RealOfClass(c))),
        ];
        float[] nearest = SampleDistances.Nearest(samples.Rows, context.Train);
        return new ImageSamplesReport
        {
            Chains = count,
            Steps = samples.Spec.Steps,
            Recipe = samples.Spec.Recipe,
            EnergyMean = samples.EnergyMean,
            Agreement = Enumerable.Range(0, count).Average(i => predictions[i] == i % classes ? 1.0 : 0.0),
            AgreementPerClass = agreement,
            Confidence = Enumerable.Range(0, count).Average(i => (double)probabilities[i * classes + predictions[i]]),
            Diversity = diversity.Average(),
            DiversityPerClass = diversity,
            NearestTrainingDistance = nearest.Average() / context.NearestOfTest,
            NearestTrainingDistanceLeast = nearest.Min() / context.NearestOfTest,
        };
    }

    /// <summary>The chains of a class: labels were dealt in turn.</summary>
    private static IEnumerable<int> Rows(int count, int classes, int label) =>
        Enumerable.Range(0, count / classes).Select(i => i * classes + label);

    private sealed class Context(AssessmentRequest request, IndependentClassifier judge, TensorPayload test, TensorPayload train)
    {
        private const int Real = 1000;
        private readonly Lazy<double> _nearestOfTest = new(() => SampleDistances.Nearest(test.Slice(0, Math.Min(Real, test.Rows)), train).Average());

        public AssessmentRequest Request => request;

        public IndependentClassifier Judge => judge;

        public TensorPayload Train => train;

        public int Classes => request.Model.Descriptor!.Labels.Count;

        public int[] TestLabels { get; } = request.TestImages!.Labels![..test.Rows];

        /// <value>Mean distance of test images to their nearest training image.</value>
        public double NearestOfTest => _nearestOfTest.Value;

        public TensorPayload RealOfClass(int label) =>
            test.Take([.. Enumerable.Range(0, test.Rows).Where(i => TestLabels[i] == label).Take(Real)]);
    }
}
