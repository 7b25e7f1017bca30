namespace EbmService.Core.Jobs;

/// <summary>A block and the statistics of its latest report that had them.</summary>
public sealed record BlockStatistics(BlockPlan Block, ReadOnlyMemory<byte> Content);

/// <summary>What the statistics of a job's blocks say together.</summary>
/// <param name="Metrics">Further metrics of the job, which take the place of the reports' numbers of the same name.</param>
/// <param name="Verdict">The word of the stop rule that is satisfied; null to go on.</param>
public sealed record JobStatistics(IReadOnlyDictionary<string, double> Metrics, string? Verdict = null)
{
    public static JobStatistics None { get; } = new(new Dictionary<string, double>());
}

/// <summary>Computes metrics over a job's blocks and judges its stop rules. Pure and thread-safe; called off the slots' threads.</summary>
public interface IJobStatistician
{
    /// <param name="job">The job.</param>
    /// <param name="blocks">The blocks that have statistics.</param>
    /// <param name="live">True for progress: less precise where that saves time, and no verdict is asked. False where a decision or a file depends on it.</param>
    JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live);

    /// <summary>The job's metrics: the blocks' numbers put together as each asks for, then those of <paramref name="statistics"/>. Cheap.</summary>
    /// <param name="blocks">The latest report of each block that has one.</param>
    IReadOnlyDictionary<string, double> Merge(JobDefinition job, IReadOnlyList<(BlockPlan Block, StepReport Report)> blocks, JobStatistics? statistics);

    /// <summary>How many units a block has done at that step, and at its last step how many it has.</summary>
    long UnitsAt(JobSpec spec, BlockPlan block, int step);

    /// <summary>The unit of the type's progress.</summary>
    string UnitOf(JobSpec spec);
}
