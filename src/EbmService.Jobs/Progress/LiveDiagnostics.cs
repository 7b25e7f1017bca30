using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Slots;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Progress;

/// <summary>
/// Metrics over all blocks of a job while they run: running blocks are asked for their statistics now and then, and the metrics
/// are computed off the slots' threads, one job at a time and for a small share of the time. Thread-safe.
/// </summary>
internal sealed class LiveDiagnostics(
    IJobStatistician statistician, TimeProvider clock, IOptions<WorkerOptions> options, ILogger<LiveDiagnostics> log)
{
    /// <summary>Computing takes at most 1/33 of the time, over all jobs.</summary>
    private const int Share = 33;

    private readonly Lock _lock = new();
    private readonly TimeSpan _interval = TimeSpan.FromSeconds(options.Value.DiagnosticsSeconds);
    private bool _isComputing;
    private long? _endedAt;
    private TimeSpan _pause;

    /// <summary>Whether the block's next report should carry its statistics.</summary>
    public bool Wants(IBlock block)
    {
        bool mayAsk;
        lock (_lock)
            mayAsk = !_isComputing && (_endedAt is not { } ended || clock.GetElapsedTime(ended) >= _pause);
        return block.Job.WantsStatistics(block, mayAsk ? _interval : null);
    }

    /// <summary>A running block has reported.</summary>
    public void Answered(IBlock block)
    {
        if (block.Job.TakeStatistics(block) is not { } series)
            return;
        lock (_lock)
        {
            if (_isComputing)
                return;
            _isComputing = true;
        }
        _ = Task.Run(() => Compute(block.Job, series));
    }

    private void Compute(Job job, BlockStatistics[] series)
    {
        long started = clock.GetTimestamp();
        try
        {
            job.Diagnose(statistician.Compute(job.Definition, series, live: true));
        }
        catch (Exception e)
        {
            // Statistics on the way are not worth a job; its end and its stop rules have their own.
            log.DiagnosticsFailed(e, job.Id);
        }
        lock (_lock)
        {
            _isComputing = false;
            _endedAt = clock.GetTimestamp();
            _pause = Share * clock.GetElapsedTime(started);
        }
    }
}
