using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Assessment;

/// <summary>Draws vectors and compares them with rows that training did not see.</summary>
public sealed class VectorSampleAssessment(RecipeSampler sampler, IImageCodec images)
{
    private const int LongFactor = 5;

    internal async Task<AssessmentOutcome> RunAsync(
        AssessmentRequest request, AssessmentReport report, TensorPayload test, SetScorer scorer, Action<string> status, CancellationToken cancellationToken)
    {
        InputSchema input = request.Model.Descriptor!.Input, visible = request.Model.VisibleSchema();
        int own = Core.Sampling.SamplingSpecFactory.FindRecipe(request.Model.Descriptor, request.Model.Descriptor.DefaultRecipe)!.Steps;
        int chains = Math.Min(request.Quick ? 200 : 2000, test.Rows / 2);
        var pictures = new Dictionary<string, byte[]>();
        var samples = new List<VectorSamplesReport>();
        foreach (int steps in new[] { own, own * LongFactor })
        {
            RecipeSamples drawn = await sampler.DrawAsync(request.Model, chains, steps, [], request.Seed, status, cancellationToken);
            samples.Add(Measure(request, drawn, test));
            Picture(pictures, $"samples-{steps}.png", drawn.Rows, visible);
        }
        Picture(pictures, "data.png", test.Slice(0, chains), visible);
        if (input.Shape[0] == 2)
            pictures["energy.png"] = await PlaneEnergy.RenderAsync(scorer, input, request.Model.Key.Name + ": energy");
        return new AssessmentOutcome(report with { VectorSamples = samples }, pictures);
    }

    private static VectorSamplesReport Measure(AssessmentRequest request, RecipeSamples samples, TensorPayload test)
    {
        int count = samples.Rows.Rows;
        TensorPayload first = test.Slice(0, count), second = test.Slice(count, count);
        double? noise = request.TwoMoonsNoise;
        return new VectorSamplesReport
        {
            Chains = count,
            Steps = samples.Spec.Steps,
            Recipe = samples.Spec.Recipe,
            EnergyMean = samples.EnergyMean,
            EnergyDistance = SampleDistances.EnergyDistance(samples.Rows, first),
            EnergyDistanceOfData = SampleDistances.EnergyDistance(second, first),
            NearMoons = noise is null ? null : NearMoons(samples.Rows, noise.Value),
            NearMoonsOfData = noise is null ? null : NearMoons(first, noise.Value),
            UpperMoon = noise is null ? null : Share(samples.Rows, (upper, lower) => upper < lower),
        };
    }

    private static double NearMoons(TensorPayload rows, double noise) =>
        Share(rows, (upper, lower) => Math.Min(upper, lower) <= 3 * noise);

    private static double Share(TensorPayload rows, Func<double, double, bool> holds) => Enumerable.Range(0, rows.Rows).Average(i =>
    {
        (double upper, double lower) = ArcDistances(rows.Values[2 * i], rows.Values[2 * i + 1]);
        return holds(upper, lower) ? 1.0 : 0.0;
    });

    /// <summary>Distances of a point to the noise-free upper and lower arc of <see cref="Training.TwoMoonsData"/>.</summary>
    internal static (double Upper, double Lower) ArcDistances(double x, double y) => (ToArc(x + 0.5, y + 0.25), ToArc(x - 0.5, 0.25 - y));

    /// <summary>Distance to the upper half of the unit circle.</summary>
    private static double ToArc(double x, double y) => y >= 0
        ? Math.Abs(Math.Sqrt(x * x + y * y) - 1)
        : Math.Min(Math.Sqrt((x - 1) * (x - 1) + y * y), Math.Sqrt((x + 1) * (x + 1) + y * y));

    private void Picture(Dictionary<string, byte[]> pictures, string name, TensorPayload rows, InputSchema input)
    {
        byte[] png = images.EncodeGrid(rows, input);
        if (png.Length > 0)
            pictures[name] = png;
    }
}
