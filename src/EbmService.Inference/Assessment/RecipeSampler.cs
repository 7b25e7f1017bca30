using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Assessment;

/// <summary>Samples of a sampling job.</summary>
public sealed record RecipeSamples(SamplingSpec Spec, TensorPayload Rows, double EnergyMean);

/// <summary>Draws samples by a sampling job, from uniform starts by the model's default recipe.</summary>
public sealed class RecipeSampler(IJobRunner runner)
{
    /// <param name="steps">Null for the recipe's own.</param>
    /// <param name="labels">Dealt to the chains in turn; empty for unconditional chains.</param>
    /// <param name="status">Told how far it is.</param>
    public async Task<RecipeSamples> DrawAsync(
        HostedModel model, int chains, int? steps, IReadOnlyList<int> labels, long seed, Action<string> status, CancellationToken cancellationToken)
    {
        var request = new SamplingRequest
        {
            Chains = chains, Steps = steps, Seed = seed, Start = ChainStart.Base, Labels = labels.Count > 0 ? labels : null,
        };
        int told = 0;
        void Report(JobProgress progress)
        {
            int fifth = (int)(progress.Fraction * 5);
            if (fifth <= told)
                return;
            told = fifth;
            status($"sampling {chains} chains of {progress.Total / chains} steps: {progress.Fraction:P0}, {progress.RatePerSecond:N0} chain-steps/s");
        }

        FinishedJob drawn = await runner.RunAsync(SamplingJob.Name, model, request, Report, cancellationToken);
        TensorPayload samples = NpyFormat.Read(await drawn.ReadAsync("samples.npy", cancellationToken));
        TensorPayload energies = NpyFormat.Read(await drawn.ReadAsync("energies.npy", cancellationToken));
        return new RecipeSamples((SamplingSpec)drawn.Job.Spec, samples, energies.Values.Average(value => (double)value));
    }
}
