using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;

namespace EbmService.Jobs.Progress;

/// <summary>A job's progress from the latest reports of its blocks.</summary>
internal sealed class ProgressSummary(IJobStatistician statistician)
{
    /// <param name="job">The job; in a state that does not change meanwhile.</param>
    /// <param name="queuePosition">Null once running.</param>
    public JobProgress Of(Job job, int? queuePosition)
    {
        JobSpec spec = job.Definition.Spec;
        long done = 0, total = 0;
        var reports = new List<(BlockPlan, StepReport)>(job.Blocks.Count);
        foreach (IBlock block in job.Blocks)
        {
            done += statistician.UnitsAt(spec, block.Plan, block.Step);
            total += statistician.UnitsAt(spec, block.Plan, block.Plan.Steps);
            if (block.Report is { } report)
                reports.Add((block.Plan, report));
        }
        // Measured in items times steps, which a type may count otherwise.
        double? rate = job.ChainStepsPerSecond * total / Math.Max(1, job.ChainSteps);
        return new JobProgress
        {
            Fraction = total == 0 ? 1 : (double)done / total,
            Done = done,
            Total = total,
            Unit = statistician.UnitOf(spec),
            RatePerSecond = rate,
            EtaSeconds = rate > 0 ? (total - done) / rate : null,
            QueuePosition = queuePosition,
            Metrics = statistician.Merge(job.Definition, reports, job.Statistics),
        };
    }
}
