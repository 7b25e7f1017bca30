using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

/// <summary>Estimates what a sampling job will take: rows x replicas x activations on a slot; states, kept states and diagnostics as a result.</summary>
public static class SamplingFootprint
{
    /// <summary>Numbers that a pass with gradient keeps for each number of an input: a convolutional network of the bundled kind keeps about 200.</summary>
    private const double ActivationsPerNumber = 256;

    /// <summary>Numbers that trace and diagnostics keep of one chain at most.</summary>
    private const double RecordedPerChain = 16_384;

    public static JobFootprint Of(SamplingSpec spec, InputSchema input)
    {
        double length = input.Length();
        double rows = (double)Math.Min(spec.BlockSize, spec.Chains) * spec.Replicas;
        double draws = spec.Thin is { } thin ? Math.Max(0, spec.Steps - spec.Warmup) / thin : 0;
        double recorded = Math.Min(RecordedPerChain, 8.0 * spec.Steps);
        return new JobFootprint(sizeof(float) * rows * length * ActivationsPerNumber, sizeof(float) * spec.Chains * (length * (draws + 1) + recorded))
        {
            StepField = "spec.blockSize",
            ResultField = draws > 0 ? "spec.thin" : "spec.chains",
        };
    }
}
