using EbmService.Core.Jobs;

namespace EbmService.Core.Diagnostics;

/// <summary>A block and its draws so far.</summary>
public sealed record BlockSeries(BlockPlan Block, ChainSeries Series);

/// <summary>Computes diagnostics over a job's chains. Pure and thread-safe; called off the slots' threads.</summary>
public interface IJobDiagnostician
{
    /// <param name="job">The job.</param>
    /// <param name="blocks">The blocks that have draws; cut to what all of them have.</param>
    /// <param name="live">True for progress: fewer draws where that saves time. False where a decision or a file depends on it.</param>
    JobDiagnostics Compute(JobDefinition job, IReadOnlyList<BlockSeries> blocks, bool live);

    /// <summary>The word of the job's stop rule that these figures satisfy; null to go on. A function of its arguments alone.</summary>
    string? Judge(JobDefinition job, JobDiagnostics diagnostics);
}
