using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>Which class each chain of a job is drawn for: labels are dealt in turn over the whole job.</summary>
internal static class ChainLabels
{
    /// <returns>A class per chain of the block; all -1 for unconditional chains.</returns>
    public static int[] Of(SamplingSpec spec, BlockPlan block)
    {
        var labels = new int[block.Count];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = spec.Labels.Count == 0 ? -1 : spec.Labels[(block.Offset + i) % spec.Labels.Count];
        return labels;
    }
}
