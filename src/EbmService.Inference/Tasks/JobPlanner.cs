using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Inference.Tasks;

/// <summary>Cuts a job's chains into blocks of the spec's size; the last may be smaller.</summary>
internal sealed class JobPlanner : IJobPlanner
{
    public JobPlan Plan(JobSpec spec) => spec switch
    {
        SamplingSpec sampling => Plan(sampling),
        _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Type, "not a known job type"),
    };

    private static JobPlan Plan(SamplingSpec spec)
    {
        int blocks = (spec.Chains + spec.BlockSize - 1) / spec.BlockSize;
        return new JobPlan(
        [
            .. Enumerable.Range(0, blocks).Select(index => new BlockPlan(
                index, index * spec.BlockSize, Math.Min(spec.BlockSize, spec.Chains - index * spec.BlockSize), spec.Steps)),
        ]);
    }
}
