using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Tasks;

namespace EbmService.Inference.Assessment;

/// <summary>Samples of a sampling job that ran here.</summary>
public sealed record RecipeSamples(SamplingSpec Spec, TensorPayload Rows, double EnergyMean);

/// <summary>Draws samples as a job of the service would, from uniform starts by the model's default recipe.</summary>
public sealed class RecipeSampler(LocalJobRunner runner, IResultAssembler results, IComputeDevice device)
{
    /// <param name="steps">Null for the recipe's own.</param>
    /// <param name="labels">Dealt to the chains in turn; empty for unconditional chains.</param>
    /// <param name="status">Told how far it is.</param>
    public RecipeSamples Draw(
        HostedModel model, int chains, int? steps, IReadOnlyList<int> labels, long seed, Action<string> status, CancellationToken cancellationToken)
    {
        var request = new SamplingRequest
        {
            Chains = chains, Steps = steps, Seed = seed, Start = ChainStart.Base, Labels = labels.Count > 0 ? labels : null,
        };
        SamplingSpec spec = SamplingSpecFactory.Create(request, model, device.Info.Kind, new SamplingPolicy(), () => seed).OrThrow();
        int told = 0;
        void Report(JobProgress progress)
        {
            int fifth = (int)(progress.Fraction * 5);
            if (fifth <= told)
                return;
            told = fifth;
            status($"sampling {spec.Chains} chains of {spec.Steps} steps: {progress.Fraction:P0}, {progress.RatePerSecond:N0} chain-steps/s");
        }

        var job = new JobDefinition("local", model.Reference(), spec);
        LocalJobResult drawn = runner.Run(job, Report, cancellationToken);
        var made = new ResultFiles();
        results.Assemble(job, drawn.Blocks, drawn.Stopped, made);
        IReadOnlyList<ResultFile> files = made.All;
        TensorPayload energies = NpyFormat.Read(Find(files, "energies.npy"));
        return new RecipeSamples(spec, NpyFormat.Read(Find(files, "samples.npy")), energies.Values.Average(value => (double)value));
    }

    private static byte[] Find(IReadOnlyList<ResultFile> files, string name) =>
        files.FirstOrDefault(file => file.Name == name)?.Content
        ?? throw new FailureException(new Failure(FailureCode.Internal, $"The result has no {name}."));
}
