using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Jobs.Tests.Fakes;

internal sealed class FakePlanner : IJobPlanner
{
    public JobPlan Plan(JobSpec spec)
    {
        var sampling = (SamplingSpec)spec;
        return new([.. Enumerable.Range(0, (sampling.Chains + sampling.BlockSize - 1) / sampling.BlockSize).Select(index => new BlockPlan(
            index, index * sampling.BlockSize, Math.Min(sampling.BlockSize, sampling.Chains - index * sampling.BlockSize), sampling.Steps))]);
    }
}
