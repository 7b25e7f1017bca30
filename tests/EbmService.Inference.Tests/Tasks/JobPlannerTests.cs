using EbmService.Core.Jobs;
using EbmService.Inference.Tasks;

namespace EbmService.Inference.Tests.Tasks;

public sealed class JobPlannerTests
{
    [Theory]
    [InlineData(64, 16, 4)]
    [InlineData(65, 16, 5)]
    [InlineData(3, 16, 1)]
    [InlineData(1, 1, 1)]
    public void Plan_Chains_CoversEachOnce(int chains, int blockSize, int blocks)
    {
        JobPlan plan = new JobPlanner().Plan(SamplingSpecs.Create(chains, 10, blockSize));

        Assert.Equal(blocks, plan.Blocks.Count);
        Assert.Equal(Enumerable.Range(0, chains), plan.Blocks.SelectMany(block => Enumerable.Range(block.FirstChain, block.Chains)));
        Assert.All(plan.Blocks.SkipLast(1), block => Assert.Equal(blockSize, block.Chains));
        Assert.Equal(chains * 10L, plan.ChainSteps);
    }
}
