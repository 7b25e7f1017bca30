using EbmService.Core.Diagnostics;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Slots;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Progress;

/// <summary>
/// R-hat, ESS and Monte Carlo errors while chains run: running blocks are asked for their draws now and then, and the statistics are computed
/// off the slots' threads, one job at a time and for a small share of the time. Thread-safe.
/// </summary>
internal sealed class LiveDiagnostics(
    IJobDiagnostician diagnostician, TimeProvider clock, IOptions<WorkerOptions> options, ILogger<LiveDiagnostics> log)
{
    /// <summary>Computing takes at most 1/33 of the time, over all jobs.</summary>
    private const int Share = 33;

    private readonly Lock _lock = new();
    private readonly TimeSpan _interval = TimeSpan.FromSeconds(options.Value.DiagnosticsSeconds);
    private bool _isComputing;
    private long? _endedAt;
    private TimeSpan _pause;

    /// <summary>Whether the block's next report should carry its draws.</summary>
    public bool Wants(IBlock block)
    {
        bool mayAsk;
        lock (_lock)
            mayAsk = !_isComputing && (_endedAt is not { } ended || clock.GetElapsedTime(ended) >= _pause);
        return block.Job.WantsDraws(block, mayAsk ? _interval : null);
    }

    /// <summary>A running block has reported.</summary>
    public void Answered(IBlock block)
    {
        if (block.Job.TakeDraws(block) is not { } series)
            return;
        lock (_lock)
        {
            if (_isComputing)
                return;
            _isComputing = true;
        }
        _ = Task.Run(() => Compute(block.Job, series));
    }

    private void Compute(Job job, BlockSeries[] series)
    {
        long started = clock.GetTimestamp();
        try
        {
            job.Diagnose(diagnostician.Compute(job.Definition, series, live: true));
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
