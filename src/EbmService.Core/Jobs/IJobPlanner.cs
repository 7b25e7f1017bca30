namespace EbmService.Core.Jobs;

/// <summary>One block: a fixed-size group of chains, the unit of scheduling, of random numbers and of distribution.</summary>
/// <param name="Index">0-based; the block's generator is seeded from the job's seed and this alone.</param>
/// <param name="FirstChain">The job-wide index of its first chain.</param>
/// <param name="Chains">How many chains; the last block of a job may have fewer.</param>
/// <param name="Steps">Steps to do.</param>
public sealed record BlockPlan(int Index, int FirstChain, int Chains, int Steps)
{
    public long ChainSteps => (long)Chains * Steps;
}

/// <summary>A job cut into blocks.</summary>
public sealed record JobPlan(IReadOnlyList<BlockPlan> Blocks)
{
    public int Chains => Blocks.Sum(block => block.Chains);

    public long ChainSteps => Blocks.Sum(block => block.ChainSteps);
}

/// <summary>Cuts a job into blocks: a pure function of the spec.</summary>
public interface IJobPlanner
{
    JobPlan Plan(JobSpec spec);
}
