using System.Diagnostics;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;

namespace EbmService.Inference.Tasks;

/// <summary>
/// Runs a job in this process without a queue: the same blocks, workloads and seeds as the service's worker, so the same bits.
/// </summary>
public sealed class LocalJobRunner(IComputeDevice device, IJobPlanner planner, IWorkloadFactory workloads, TimeProvider clock)
{
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs every block; blocks the caller.</summary>
    /// <param name="job">The job.</param>
    /// <param name="report">Told how far the job is, one call at a time, on slot threads.</param>
    /// <returns>The blocks' results in block order.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<BlockResult> Run(JobDefinition job, Action<JobProgress>? report, CancellationToken cancellation)
    {
        JobPlan plan = planner.Plan(job.Spec);
        var results = new BlockResult[plan.Blocks.Count];
        var reports = new StepReport[plan.Blocks.Count];
        var watch = Stopwatch.StartNew();
        var gate = new Lock();
        SlotThreads.ForEach(device, results.Length, index =>
        {
            BlockPlan block = plan.Blocks[index];
            using IWorkload workload = workloads.Open(job, block);
            var budget = new QuantumBudget(clock);
            do
            {
                cancellation.ThrowIfCancellationRequested();
                budget.Start(Quantum);
                StepReport step = workload.Advance(budget);
                lock (gate)
                {
                    reports[index] = step;
                    report?.Invoke(Progress(plan, reports, watch.Elapsed));
                }
            }
            while (!reports[index].Done);
            results[index] = new BlockResult(block, workload.Finish());
        }, cancellation);
        return results;
    }

    private static JobProgress Progress(JobPlan plan, StepReport?[] reports, TimeSpan elapsed)
    {
        long done = plan.Blocks.Sum(block => (long)block.Chains * (reports[block.Index]?.Step ?? 0));
        double rate = done / Math.Max(1e-9, elapsed.TotalSeconds);
        List<BlockPlan> started = [.. plan.Blocks.Where(block => reports[block.Index] is not null)];
        double chains = started.Sum(block => block.Chains);
        return new JobProgress
        {
            Fraction = (double)done / plan.ChainSteps,
            Step = (int)(done / plan.Chains),
            TotalSteps = plan.Blocks.Max(block => block.Steps),
            Chains = plan.Chains,
            StepsPerSecond = rate,
            EtaSeconds = (plan.ChainSteps - done) / rate,
            EnergyMean = started.Sum(block => block.Chains * reports[block.Index]!.EnergyMean) / chains,
            GradientNorm = started.Sum(block => block.Chains * reports[block.Index]!.GradientNorm) / chains,
            Diverged = started.Sum(block => reports[block.Index]!.Diverged),
        };
    }
}
