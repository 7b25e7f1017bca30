using System.Diagnostics;
using EbmService.Core.Devices;
using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.Tasks;

namespace EbmService.Inference.Assessment;

/// <summary>Measures what bfloat16 changes, through the same jobs as the service's.</summary>
public sealed class PrecisionComparison(LocalJobRunner runner, IJobDiagnostician diagnostician, IComputeDevice device)
{
    private const int MaxInputs = 10_000;
    private static readonly SamplingPolicy Policy = new(MaxInlineNumbers: int.MaxValue);
    private static readonly SamplingPrecision[] Both = [SamplingPrecision.Float32, SamplingPrecision.Bfloat16];

    public PrecisionReport Run(AssessmentRequest request, Action<string> status, CancellationToken cancellationToken)
    {
        TensorPayload test = request.TestRows ?? new TensorPayload(
            [request.TestImages!.Count, .. request.Model.Descriptor!.Input.Shape], request.TestImages.ToFloats(request.Model.Descriptor.Input));
        status("energies of the test inputs");
        EnergyDifference energies = Energies(request.Model, test.Slice(0, Math.Min(request.Quick ? 500 : MaxInputs, test.Rows)), cancellationToken);
        int classes = request.TrainImages?.Labels is null ? 0 : request.Model.Descriptor!.Labels.Count;
        using IndependentClassifier? judge = classes == 0 ? null : ImageSampleAssessment.Judge(request, status, cancellationToken);
        var chains = new List<PrecisionChains>();
        foreach ((string name, SamplingRequest spec) in Specs(request, classes))
        {
            foreach (SamplingPrecision precision in Both)
            {
                status($"chains: {name}, {precision}");
                chains.Add(Chains(request.Model, name, spec with { Precision = precision }, spec.Labels is null ? null : judge, cancellationToken));
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

    /// <summary>One step of chains that start at the inputs records the energies and gradients that a chain computes there.</summary>
    private EnergyDifference Energies(HostedModel model, TensorPayload inputs, CancellationToken cancellationToken)
    {
        (float[] Energy, float[] Norm)[] found = [.. Both.Select(precision =>
        {
            (SamplingBlock[] blocks, _, _) = Draw(model, new SamplingRequest { Chains = inputs.Rows, Steps = 1, Seed = 1, Data = inputs, Precision = precision }, cancellationToken);
            return (blocks.SelectMany(block => block.TraceEnergy).ToArray(), blocks.SelectMany(block => block.TraceGradientNorm).ToArray());
        })];
        (double[] full, double[] half) = ([.. found[0].Energy.Select(value => (double)value)], [.. found[1].Energy.Select(value => (double)value)]);
        double mean = full.Average(), other = half.Average();
        double variance = full.Average(value => (value - mean) * (value - mean)), otherVariance = half.Average(value => (value - other) * (value - other));
        double covariance = full.Zip(half, (a, b) => (a - mean) * (b - other)).Average();
        double[] differences = [.. full.Zip(half, (a, b) => Math.Abs(a - b))];
        return new EnergyDifference(
            inputs.Rows, mean, Math.Sqrt(variance), differences.Average(), differences.Max(), covariance / Math.Sqrt(variance * otherVariance),
            found[0].Norm.Zip(found[1].Norm, (a, b) => Math.Abs(a - b) / Math.Max(1e-30, a)).Average(value => (double)value));
    }

    private PrecisionChains Chains(HostedModel model, string name, SamplingRequest request, IndependentClassifier? judge, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        (SamplingBlock[] blocks, JobDefinition job, SamplingSpec spec) = Draw(model, request, cancellationToken);
        double seconds = watch.Elapsed.TotalSeconds;
        JobDiagnostics diagnostics = diagnostician.Compute(job, [.. blocks.Select(block => new BlockSeries(block.Block, block.Series))], live: false);
        QuantityDiagnostics energy = diagnostics.Quantities.First(quantity => quantity.Name == "energy");
        double? agreement = null;
        if (judge is not null)
        {
            var states = new TensorPayload([spec.Chains, .. model.Descriptor!.Input.Shape], [.. blocks.SelectMany(block => block.States)]);
            int[] called = ClassificationMetrics.Predictions(judge.Probabilities(states), model.Descriptor.Labels.Count);
            agreement = called.Index().Average(one => one.Item == spec.Labels[one.Index % spec.Labels.Count] ? 1.0 : 0.0);
        }
        return new PrecisionChains(
            name, spec.Precision, energy.Mean ?? double.NaN, energy.McseMean, diagnostics.RHat, diagnostics.EssBulk, agreement, (double)spec.Chains * spec.Steps / seconds);
    }

    private (SamplingBlock[] Blocks, JobDefinition Job, SamplingSpec Spec) Draw(HostedModel model, SamplingRequest request, CancellationToken cancellationToken)
    {
        SamplingSpec spec = SamplingSpecFactory.Create(request, model, device.Info.Kind, Policy, () => 1).OrThrow();
        var job = new JobDefinition("local", model.Reference(), spec);
        return ([.. runner.Run(job, null, cancellationToken).Blocks.Select(SamplingBlock.Read)], job, spec);
    }
}
