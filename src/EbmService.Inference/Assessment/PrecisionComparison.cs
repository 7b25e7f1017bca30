using System.Text.Json;
using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.JobTypes.Sampling;

namespace EbmService.Inference.Assessment;

/// <summary>Measures what bfloat16 changes, by the jobs of the service.</summary>
public sealed class PrecisionComparison(IJobRunner runner)
{
    private const int MaxInputs = 10_000;
    private static readonly SamplingPrecision[] Both = [SamplingPrecision.Float32, SamplingPrecision.Bfloat16];

    public async Task<PrecisionReport> RunAsync(AssessmentRequest request, Action<string> status, CancellationToken cancellationToken)
    {
        TensorPayload test = request.TestRows ?? new TensorPayload(
            [request.TestImages!.Count, .. request.Model.Descriptor!.Input.Shape], request.TestImages.ToFloats(request.Model.Descriptor.Input));
        status("energies of the test inputs");
        EnergyDifference energies = await EnergiesAsync(request.Model, test.Slice(0, Math.Min(request.Quick ? 500 : MaxInputs, test.Rows)), cancellationToken);
        int classes = request.TrainImages?.Labels is null ? 0 : request.Model.Descriptor!.Labels.Count;
        using IndependentClassifier? judge = classes == 0 ? null : ImageSampleAssessment.Judge(request, status, cancellationToken);
        var chains = new List<PrecisionChains>();
        foreach ((string name, SamplingRequest spec) in Specs(request, classes))
        {
            foreach (SamplingPrecision precision in Both)
            {
                status($"chains: {name}, {precision}");
                chains.Add(await ChainsAsync(request.Model, name, spec with { Precision = precision }, spec.Labels is null ? null : judge, cancellationToken));
            }
        }
        return new PrecisionReport(request.Model.Key.ToString(), request.Command, energies, chains);
    }

    private static IEnumerable<(string Name, SamplingRequest Spec)> Specs(AssessmentRequest request, int classes)
    {
        string recipe = request.Model.Descriptor!.DefaultRecipe;
        yield return ($"recipe {recipe}, from noise", new SamplingRequest
        {
            Chains = request.Quick ? 50 : 1000, Seed = request.Seed, Start = ChainStart.Base, Labels = classes == 0 ? null : [.. Enumerable.Range(0, classes)],
        });
        yield return ("ula at T = 1", new SamplingRequest
        {
            Chains = 64, Steps = request.Quick ? 100 : 1000, Warmup = request.Quick ? 50 : 500, Kernel = SamplingKernel.Ula, Seed = request.Seed,
        });
    }

    /// <summary>Chains that start at the inputs record the energies and gradients that they compute there; one step is enough.</summary>
    private async Task<EnergyDifference> EnergiesAsync(HostedModel model, TensorPayload inputs, CancellationToken cancellationToken)
    {
        var energies = new Dictionary<SamplingPrecision, double[]>();
        var norms = new Dictionary<SamplingPrecision, double[]>();
        foreach (SamplingPrecision precision in Both)
        {
            var chains = new List<SamplingTraceChain>();
            // A trace has so many chains one by one.
            for (int first = 0; first < inputs.Rows; first += SamplingTrace.MaxChains)
            {
                TensorPayload rows = inputs.Slice(first, Math.Min(SamplingTrace.MaxChains, inputs.Rows - first));
                var request = new SamplingRequest { Chains = rows.Rows, Steps = 1, Seed = 1, Data = rows, Precision = precision };
                FinishedJob done = await runner.RunAsync(SamplingJob.Name, model, request, report: null, cancellationToken);
                chains.AddRange((await ReadAsync<SamplingTrace>(done, "trace.json", cancellationToken)).Chains);
            }
            energies[precision] = [.. chains.Select(chain => (double)(chain.Energy[0] ?? float.NaN))];
            norms[precision] = [.. chains.Select(chain => (double)(chain.GradientNorm[0] ?? float.NaN))];
        }
        (double[] full, double[] half) = (energies[SamplingPrecision.Float32], energies[SamplingPrecision.Bfloat16]);
        double mean = full.Average(), other = half.Average();
        double variance = full.Average(value => (value - mean) * (value - mean)), otherVariance = half.Average(value => (value - other) * (value - other));
        double covariance = full.Zip(half, (a, b) => (a - mean) * (b - other)).Average();
        double[] differences = [.. full.Zip(half, (a, b) => Math.Abs(a - b))];
        return new EnergyDifference(
            inputs.Rows, mean, Math.Sqrt(variance), differences.Average(), differences.Max(), covariance / Math.Sqrt(variance * otherVariance),
            norms[SamplingPrecision.Float32].Zip(norms[SamplingPrecision.Bfloat16], (a, b) => Math.Abs(a - b) / Math.Max(1e-30, a)).Average());
    }

    private async Task<PrecisionChains> ChainsAsync(
        HostedModel model, string name, SamplingRequest request, IndependentClassifier? judge, CancellationToken cancellationToken)
    {
        FinishedJob done = await runner.RunAsync(SamplingJob.Name, model, request, report: null, cancellationToken);
        var spec = (SamplingSpec)done.Job.Spec;
        JobDiagnostics diagnostics = (await ReadAsync<SamplingTrace>(done, "trace.json", cancellationToken)).Diagnostics;
        QuantityDiagnostics energy = diagnostics.Quantities.First(quantity => quantity.Name == "energy");
        double? agreement = null;
        if (judge is not null)
        {
            TensorPayload states = NpyFormat.Read(await done.ReadAsync("samples.npy", cancellationToken));
            int[] called = ClassificationMetrics.Predictions(judge.Probabilities(states), model.Descriptor!.Labels.Count);
            agreement = called.Index().Average(one => one.Item == spec.Labels[one.Index % spec.Labels.Count] ? 1.0 : 0.0);
        }
        return new PrecisionChains(
            name, spec.Precision, energy.Mean ?? double.NaN, energy.McseMean, diagnostics.RHat, diagnostics.EssBulk, agreement, done.Job.Progress.RatePerSecond);
    }

    private static async Task<T> ReadAsync<T>(FinishedJob done, string name, CancellationToken cancellationToken)
    {
        await using Stream content = await done.OpenAsync(name, cancellationToken);
        return (await JsonSerializer.DeserializeAsync<T>(content, EbmJson.Options, cancellationToken))!;
    }
}
