namespace EbmService.Core.Jobs;

/// <summary>
/// One block: a fixed-size group of a job's items, the unit of scheduling, of random numbers and of distribution. Only
/// the job's type knows what items are.
/// </summary>
/// <param name="Index">0-based; a block's generator is seeded from the job's seed and this alone.</param>
/// <param name="Offset">The job-wide index of its first item.</param>
/// <param name="Count">How many items; the last block of a job may have fewer.</param>
/// <param name="Steps">Steps to do.</param>
public sealed record BlockPlan(int Index, int Offset, int Count, int Steps)
{
    /// <value>Items times steps: how much there is to do, in the type's own measure.</value>
    public long Work => (long)Count * Steps;
}

/// <summary>A job cut into blocks.</summary>
public sealed record JobPlan(IReadOnlyList<BlockPlan> Blocks)
{
    public int Items => Blocks.Sum(block => block.Count);

    public long Work => Blocks.Sum(block => block.Work);

    /// <summary>Blocks of <paramref name="blockSize"/> items; the last may be smaller.</summary>
    public static JobPlan Create(int items, int blockSize, Func<int, int> stepsOf) => new(
    [
        .. Enumerable.Range(0, (int)(((long)items + blockSize - 1) / blockSize)).Select(index =>
        {
            int count = Math.Min(blockSize, items - index * blockSize);
            return new BlockPlan(index, index * blockSize, count, stepsOf(count));
        }),
    ]);
}

/// <summary>Cuts a job into blocks: a pure function of the spec.</summary>
public interface IJobPlanner
{
    JobPlan Plan(JobSpec spec);
}
