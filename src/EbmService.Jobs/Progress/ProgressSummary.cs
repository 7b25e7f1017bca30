using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;

namespace EbmService.Jobs.Progress;

/// <summary>A job's progress from the latest reports of its blocks.</summary>
internal static class ProgressSummary
{
    private const string Energy = "energy";

    /// <param name="job">The job; in a state that does not change meanwhile.</param>
    /// <param name="queuePosition">Null once running.</param>
    public static JobProgress Of(Job job, int? queuePosition)
    {
        var figures = new KernelFigures();
        double fraction = 0, steps = 0, energy = 0, gradient = 0;
        int chains = 0, totalSteps = 0, measured = 0, diverged = 0;
        foreach (IBlock block in job.Blocks)
        {
            chains += block.Plan.Chains;
            totalSteps = Math.Max(totalSteps, block.Plan.Steps);
            steps += block.Step;
            fraction += block.Plan.Steps == 0 ? 1 : (double)block.Step / block.Plan.Steps;
            if (block.Report is not { } report)
                continue;
            diverged += report.Diverged;
            figures.Add(block.Plan.Chains, report);
            int finite = block.Plan.Chains - report.Diverged;
            if (finite <= 0 || !double.IsFinite(report.EnergyMean) || !double.IsFinite(report.GradientNorm))
                continue;
            measured += finite;
            energy += finite * report.EnergyMean;
            gradient += finite * report.GradientNorm;
        }
        double? rate = job.ChainStepsPerSecond;
        return new JobProgress
        {
            Fraction = fraction / job.Blocks.Count,
            Step = (int)(steps / job.Blocks.Count),
            TotalSteps = totalSteps,
            Chains = chains,
            StepsPerSecond = rate,
            EtaSeconds = rate > 0 ? (job.ChainSteps - job.DoneChainSteps) / rate : null,
            EnergyMean = measured > 0 ? energy / measured : null,
            GradientNorm = measured > 0 ? gradient / measured : null,
            Diverged = diverged,
            Acceptance = figures.Acceptance,
            DivergentTransitions = figures.DivergentTransitions,
            Ebfmi = figures.Ebfmi,
            RHat = Finite(job.Diagnostics?.RHat),
            EssBulk = Finite(job.Diagnostics?.EssBulk),
            EssTail = Finite(job.Diagnostics?.EssTail),
            EnergyMcse = Finite(job.Diagnostics?.Quantities.FirstOrDefault(quantity => quantity.Name == Energy)?.McseMean),
            QueuePosition = queuePosition,
        };
    }

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
