using EbmService.Core.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Execution;

/// <summary>
/// R-hat, ESS and Monte Carlo errors while chains run: running blocks are asked for their draws now and then, and the figures are computed
/// off the slots' threads, one job at a time and for a small share of the time. Thread-safe.
/// </summary>
internal sealed class LiveDiagnostics(
    LiveJobs live, IJobDiagnostician diagnostician, TimeProvider clock, IOptions<WorkerOptions> options, ILogger<LiveDiagnostics> log)
{
    /// <summary>Computing takes at most 1/33 of the time, over all jobs.</summary>
    private const int Share = 33;

    private readonly TimeSpan _interval = TimeSpan.FromSeconds(options.Value.DiagnosticsSeconds);
    private bool _isComputing;
    private long? _endedAt;
    private TimeSpan _pause;

    /// <summary>Whether the block's next report should carry its draws. The caller holds the gate.</summary>
    public bool Wants(LiveBlock block)
    {
        DiagnosticsRound round = block.Job.Round;
        if (!round.IsOpen && IsDue(round))
            round.Open(clock.GetTimestamp());
        return round.IsOpen && block.Round < round.Number;
    }

    /// <summary>A running block has reported. The caller holds the gate.</summary>
    public void Answered(LiveBlock block)
    {
        LiveJob job = block.Job;
        block.Round = job.Round.Number;
        if (!job.Round.IsOpen || job.Blocks.Any(other => other is { State: BlockState.Open, AtBarrier: false } && other.Round < job.Round.Number))
            return;
        job.Round.Close();
        BlockSeries[] series = job.SeriesOf(job.Blocks);
        if (series.Length == 0 || _isComputing || !job.IsRunnable)
            return;
        _isComputing = true;
        _ = Task.Run(() => Compute(job, series));
    }

    private bool IsDue(DiagnosticsRound round) => !_isComputing
        && (_endedAt is not { } ended || clock.GetElapsedTime(ended) >= _pause)
        && (round.OpenedAt is not { } opened || clock.GetElapsedTime(opened) >= _interval);

    private void Compute(LiveJob job, BlockSeries[] series)
    {
        long started = clock.GetTimestamp();
        JobDiagnostics? diagnostics = null;
        try
        {
            diagnostics = diagnostician.Compute(job.Definition, series, live: true);
        }
        catch (Exception e)
        {
            // Figures on the way are not worth a job; its end and its stop rules have their own.
            log.DiagnosticsFailed(e, job.Id);
        }
        lock (live.Gate)
        {
            job.Diagnostics = diagnostics ?? job.Diagnostics;
            _isComputing = false;
            _endedAt = clock.GetTimestamp();
            _pause = Share * clock.GetElapsedTime(started);
        }
    }
}

/// <summary>One time of asking a job's running blocks for their draws. Guarded by the gate.</summary>
internal sealed class DiagnosticsRound
{
    public int Number { get; private set; }

    public bool IsOpen { get; private set; }

    public long? OpenedAt { get; private set; }

    public void Open(long now) => (Number, IsOpen, OpenedAt) = (Number + 1, true, now);

    public void Close() => IsOpen = false;
}
