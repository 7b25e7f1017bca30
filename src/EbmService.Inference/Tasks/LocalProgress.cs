using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;

namespace EbmService.Inference.Tasks;

/// <summary>What a job's blocks say, taken together; diagnostics about every second, computed beside the slots. Thread-safe.</summary>
internal sealed class LocalProgress(
    JobDefinition job, JobPlan plan, IReadOnlyList<LocalBlock> blocks, IJobDiagnostician diagnostician, TimeProvider clock,
    Action<JobProgress>? report) : IDisposable
{
    private static readonly TimeSpan DiagnosticsInterval = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly long _start = clock.GetTimestamp();
    private readonly long[] _asked = new long[blocks.Count];
    private long _computed = clock.GetTimestamp();
    private Task<JobDiagnostics>? _running;
    private JobDiagnostics? _diagnostics;

    /// <summary>Whether the block's next report should carry its draws.</summary>
    public bool WantsSeries(LocalBlock block)
    {
        if (report is null || clock.GetElapsedTime(Math.Max(_start, _asked[block.Plan.Index])) < DiagnosticsInterval)
            return false;
        _asked[block.Plan.Index] = clock.GetTimestamp();
        return true;
    }

    public void Enter(LocalBlock block, StepReport step)
    {
        lock (_gate)
        {
            block.Report = step;
            block.Series = step.Series ?? block.Series;
            if (report is null)
                return;
            Diagnose();
            report(Summary());
        }
    }

    /// <summary>A last report, with figures of all draws.</summary>
    public void Complete()
    {
        if (report is null)
            return;
        Dispose();
        lock (_gate)
        {
            BlockSeries[] series = [.. blocks.Where(block => block.Series is not null).Select(block => new BlockSeries(block.Plan, block.Series!))];
            if (series.Length > 0)
                _diagnostics = diagnostician.Compute(job, series, live: false);
            report(Summary());
        }
    }

    private void Diagnose()
    {
        if (_running is { IsCompletedSuccessfully: true })
            _diagnostics = _running.Result;
        if (_running is { IsCompleted: false } || clock.GetElapsedTime(_computed) < DiagnosticsInterval)
            return;
        // Blocks that only just began would cut the others short.
        int most = blocks.Max(block => block.Step);
        BlockSeries[] series = [.. blocks.Where(block => block.Series is not null && 2 * block.Step >= most).Select(block => new BlockSeries(block.Plan, block.Series!))];
        if (series.Length == 0)
            return;
        _computed = clock.GetTimestamp();
        _running = Task.Run(() => diagnostician.Compute(job, series, live: true));
    }

    private JobProgress Summary()
    {
        long done = plan.Blocks.Sum(block => (long)block.Chains * blocks[block.Index].Step);
        double seconds = clock.GetElapsedTime(_start).TotalSeconds;
        double? rate = seconds > 0 ? done / seconds : null;
        LocalBlock[] started = [.. blocks.Where(block => block.Report is not null)];
        return new JobProgress
        {
            Fraction = (double)done / plan.ChainSteps,
            Step = (int)(done / plan.Chains),
            TotalSteps = plan.Blocks.Max(block => block.Steps),
            Chains = plan.Chains,
            StepsPerSecond = rate,
            EtaSeconds = (plan.ChainSteps - done) / rate,
            EnergyMean = Mean(started, step => step.EnergyMean),
            GradientNorm = Mean(started, step => step.GradientNorm),
            Diverged = started.Sum(block => block.Report!.Diverged),
            Acceptance = Mean(started, step => step.Acceptance),
            DivergentTransitions = started.Any(block => block.Report!.DivergentTransitions is not null) ? started.Sum(block => block.Report!.DivergentTransitions) : null,
            Ebfmi = started.Min(block => block.Report!.Ebfmi),
            RHat = _diagnostics?.RHat,
            EssBulk = _diagnostics?.EssBulk,
            EssTail = _diagnostics?.EssTail,
            EnergyMcse = _diagnostics?.Quantities.FirstOrDefault(quantity => quantity.Name == "energy")?.McseMean,
        };
    }

    /// <summary>Weighted by chains, over the blocks that have the figure.</summary>
    private static double? Mean(LocalBlock[] started, Func<StepReport, double?> figure)
    {
        LocalBlock[] known = [.. started.Where(block => figure(block.Report!) is not null)];
        return known.Length == 0 ? null : known.Sum(block => block.Plan.Chains * figure(block.Report!)!.Value) / known.Sum(block => block.Plan.Chains);
    }

    /// <summary>Waits for figures that are still being computed.</summary>
    public void Dispose()
    {
        if (_running is { } running)
            Task.WaitAny(running);
    }
}
