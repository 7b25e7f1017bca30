using EbmService.Core.Jobs;

namespace EbmService.Inference.Tasks;

/// <summary>What a job's blocks say, taken together; diagnostics about every second, computed beside the slots. Thread-safe.</summary>
internal sealed class LocalProgress(
    JobDefinition job, JobPlan plan, IReadOnlyList<LocalBlock> blocks, IJobStatistician statistician, TimeProvider clock,
    Action<JobProgress>? report) : IDisposable
{
    private static readonly TimeSpan DiagnosticsInterval = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly long _start = clock.GetTimestamp();
    private readonly long[] _asked = new long[blocks.Count];
    private long _computed = clock.GetTimestamp();
    private Task<JobStatistics>? _running;
    private JobStatistics? _statistics;

    /// <summary>Whether the block's next report should carry its statistics.</summary>
    public bool WantsStatistics(LocalBlock block)
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
            block.Statistics = step.Statistics ?? block.Statistics;
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
            BlockStatistics[] statistics = [.. blocks.Where(block => block.Statistics is not null).Select(block => new BlockStatistics(block.Plan, block.Statistics!))];
            if (statistics.Length > 0)
                _statistics = statistician.Compute(job, statistics, live: false);
            report(Summary());
        }
    }

    private void Diagnose()
    {
        if (_running is { IsCompletedSuccessfully: true })
            _statistics = _running.Result;
        if (_running is { IsCompleted: false } || clock.GetElapsedTime(_computed) < DiagnosticsInterval)
            return;
        // Blocks that only just began would cut the others short.
        int most = blocks.Max(block => block.Step);
        BlockStatistics[] statistics = [.. blocks.Where(block => block.Statistics is not null && 2 * block.Step >= most).Select(block => new BlockStatistics(block.Plan, block.Statistics!))];
        if (statistics.Length == 0)
            return;
        _computed = clock.GetTimestamp();
        _running = Task.Run(() => statistician.Compute(job, statistics, live: true));
    }

    private JobProgress Summary()
    {
        long done = blocks.Sum(block => statistician.UnitsAt(job.Spec, block.Plan, block.Step));
        long total = plan.Blocks.Sum(block => statistician.UnitsAt(job.Spec, block, block.Steps));
        double seconds = clock.GetElapsedTime(_start).TotalSeconds;
        double? rate = seconds > 0 ? done / seconds : null;
        return new JobProgress
        {
            Fraction = (double)done / total,
            Done = done,
            Total = total,
            Unit = statistician.UnitOf(job.Spec),
            RatePerSecond = rate,
            EtaSeconds = rate > 0 ? (total - done) / rate : null,
            Metrics = statistician.Merge(
                job, [.. blocks.Where(block => block.Report is not null).Select(block => (block.Plan, block.Report!))], _statistics),
        };
    }

    /// <summary>Waits for figures that are still being computed.</summary>
    public void Dispose()
    {
        if (_running is { } running)
            Task.WaitAny(running);
    }
}
