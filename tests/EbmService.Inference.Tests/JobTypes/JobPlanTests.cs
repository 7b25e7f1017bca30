using EbmService.Core.Jobs;

namespace EbmService.Inference.Tests.JobTypes;

public sealed class JobPlanTests
{
    [Theory]
    [InlineData(64, 16, 4)]
    [InlineData(65, 16, 5)]
    [InlineData(3, 16, 1)]
    [InlineData(1, 1, 1)]
    public void Create_Items_CoversEachOnce(int chains, int blockSize, int blocks)
    {
        JobPlan plan = JobPlan.Create(chains, blockSize, _ => 10);

        Assert.Equal(blocks, plan.Blocks.Count);
        Assert.Equal(Enumerable.Range(0, chains), plan.Blocks.SelectMany(block => Enumerable.Range(block.Offset, block.Count)));
        Assert.All(plan.Blocks.SkipLast(1), block => Assert.Equal(blockSize, block.Count));
        Assert.Equal(chains * 10L, plan.Work);
    }
}
