using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

/// <summary>Estimates what a sampling job will take: rows x replicas x activations on a slot; states, kept states and diagnostics as a result.</summary>
public static class SamplingFootprint
{
    /// <summary>How often a pass with gradient holds each number of a layer: before and after its nonlinearity, as a gradient, and laid out for the kernels.</summary>
    private const double CopiesOfLayers = 6;

    /// <summary>How often a step holds each number of a state: state, proposal, momentum, noise, gradients.</summary>
    private const double CopiesOfStates = 16;

    /// <summary>Numbers that trace and diagnostics keep of one chain at most.</summary>
    private const double RecordedPerChain = 16_384;

    public static JobFootprint Of(SamplingSpec spec, HostedModel model)
    {
        double length = model.Descriptor!.Input.Length();
        double perRow = CopiesOfStates * length + CopiesOfLayers * model.ActivationsPerInput;
        double rows = (double)Math.Min(spec.BlockSize, spec.Chains) * spec.Replicas;
        double draws = spec.Thin is { } thin ? Math.Max(0, spec.Steps - spec.Warmup) / thin : 0;
        double recorded = Math.Min(RecordedPerChain, 8.0 * spec.Steps);
        return new JobFootprint(sizeof(float) * rows * perRow, sizeof(float) * spec.Chains * (length + recorded))
        {
            StreamedBytes = sizeof(float) * spec.Chains * length * draws,
            StepField = "spec.blockSize",
            ResultField = draws > 0 ? "spec.thin" : "spec.chains",
        };
    }
}
