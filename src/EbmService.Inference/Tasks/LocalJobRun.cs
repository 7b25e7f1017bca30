using EbmService.Core.Jobs;

namespace EbmService.Inference.Tasks;

/// <summary>Advances the blocks of one job on whatever thread is free: from one to the next a block goes through its checkpoint.</summary>
internal sealed class LocalJobRun(
    JobDefinition job, IWorkloadFactory workloads, LocalProgress progress, TimeProvider clock, CancellationToken cancellation)
{
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(100);
    private readonly long _start = clock.GetTimestamp();

    /// <value>Whether the job's deadline passed.</value>
    public bool IsExpired => job.Spec.DeadlineSeconds is { } seconds && clock.GetElapsedTime(_start).TotalSeconds >= seconds;

    /// <summary>Brings a block to that step, its end or the deadline; a block that has not begun by then never does.</summary>
    public void Advance(LocalBlock block, int limit)
    {
        if (block.Result is not null || (IsExpired && block.Step == 0))
            return;
        using IWorkload workload = workloads.Open(job, block.Plan, block.Checkpoint);
        var budget = new QuantumBudget(clock);
        do
        {
            cancellation.ThrowIfCancellationRequested();
            budget.Start(Quantum, limit, progress.WantsStatistics(block));
            progress.Enter(block, workload.Advance(budget));
        }
        while (!block.Report!.Done && block.Step < limit && !IsExpired);
        if (block.Report.Done || block.Step < limit)
        {
            (block.Result, block.Checkpoint) = (workload.Finish(), null);
            return;
        }
        // At the limit this takes no step: it asks for the draws to judge.
        budget.Start(Quantum, limit, wantsStatistics: true);
        progress.Enter(block, workload.Advance(budget));
        block.Checkpoint = workload.Save();
    }

    /// <summary>Ends a block where it waits.</summary>
    public void Close(LocalBlock block)
    {
        using IWorkload workload = workloads.Open(job, block.Plan, block.Checkpoint);
        block.Result = workload.Finish();
    }
}
