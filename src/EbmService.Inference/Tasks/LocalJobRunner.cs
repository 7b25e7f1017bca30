using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Inference.Tasks;

/// <summary>What came of a job that ran here.</summary>
/// <param name="Blocks">The blocks' results in block order; after a deadline without those that never ran.</param>
/// <param name="Stopped">Why the chains took no further step.</param>
public sealed record LocalJobResult(IReadOnlyList<BlockResult> Blocks, string Stopped);

/// <summary>
/// Runs a job in this process without a queue: the same blocks, workloads, seeds and stop rules as the service's worker, so the same bits.
/// </summary>
public sealed class LocalJobRunner(
    IComputeDevice device, IJobPlanner planner, IWorkloadFactory workloads, IJobStatistician statistician, TimeProvider clock)
{
    /// <summary>Runs every block until all steps are done or a rule of the job stops them; blocks the caller.</summary>
    /// <param name="job">The job.</param>
    /// <param name="report">Told how far the job is, one call at a time, on slot threads.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="FailureException">A block failed, or the deadline passed before any chain had a step.</exception>
    public LocalJobResult Run(JobDefinition job, Action<JobProgress>? report, CancellationToken cancellation)
    {
        JobPlan plan = planner.Plan(job.Spec);
        LocalBlock[] blocks = [.. plan.Blocks.Select(block => new LocalBlock(block))];
        using var progress = new LocalProgress(job, plan, blocks, statistician, clock, report);
        var run = new LocalJobRun(job, workloads, progress, clock, cancellation);
        string? stopped = null;
        for (int limit = NextCheck(job.Spec, 0); stopped is null; limit = NextCheck(job.Spec, limit))
        {
            int until = limit;
            SlotThreads.ForEach(device, blocks.Length, index => run.Advance(blocks[index], until), cancellation);
            stopped = Stop(job, blocks, run);
        }
        LocalBlock[] open = [.. blocks.Where(block => block is { Result: null, Checkpoint: not null })];
        SlotThreads.ForEach(device, open.Length, index => run.Close(open[index]), cancellation);
        progress.Complete();
        return new LocalJobResult(Results(blocks), stopped);
    }

    /// <summary>Every block waits at each multiple of the job's checkEvery.</summary>
    private static int NextCheck(JobSpec spec, int limit) =>
        spec.CheckEvery is { } every && limit <= int.MaxValue - every ? limit + every : int.MaxValue;

    private string? Stop(JobDefinition job, LocalBlock[] blocks, LocalJobRun run)
    {
        if (blocks.All(block => block.Report is { Done: true }))
            return StopReason.Completed;
        if (run.IsExpired)
            return StopReason.Deadline;
        return statistician.Compute(job, [.. blocks.Select(block => new BlockStatistics(block.Plan, block.Statistics!))], live: false).Verdict;
    }

    private static BlockResult[] Results(LocalBlock[] blocks)
    {
        BlockResult[] results = [.. blocks.Where(block => block.Result is not null).Select(block => new BlockResult(block.Plan, block.Result!))];
        return results.Length > 0 ? results : throw new FailureException(new Failure(
            FailureCode.DeadlineExceeded, "The deadline passed before any chain had a step.", "Allow more seconds."));
    }
}
