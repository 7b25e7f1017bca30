using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Execution;

/// <summary>
/// Places in the queue, computed for all queued jobs at once and kept until the queue changes, at most for the time in which progress
/// is not shown again. Guarded by the gate.
/// </summary>
internal sealed class QueuePositions(TimeProvider clock)
{
    private readonly Dictionary<LiveJob, int> _positions = [];
    private long? _computedAt;

    /// <summary>Jobs came or went.</summary>
    public void Invalidate()
    {
        _computedAt = null;
        _positions.Clear();
    }

    /// <summary>The job's place from 1, or null where it isn't queued.</summary>
    public int? Of(LiveJob job, LiveJobs live)
    {
        if (!job.IsQueued || job.Share is null)
            return null;
        if (_computedAt is not { } last || clock.GetElapsedTime(last) >= BlockOutcomes.ProgressInterval || !_positions.ContainsKey(job))
            Compute(live);
        return _positions.TryGetValue(job, out int position) ? position : null;
    }

    private void Compute(LiveJobs live)
    {
        _computedAt = clock.GetTimestamp();
        LiveJob[] queued = [.. live.InOrder.Where(job => job.IsQueued)];
        RankingView view = live.Ranking();
        int[] positions = QueueOrder.Positions(
            [.. queued.Select(job => job.Rank(view))], [.. queued.Select(job => job.Share!.Tenant.Level.LargestQuantum)]);
        _positions.Clear();
        for (int i = 0; i < queued.Length; i++)
            _positions.Add(queued[i], positions[i]);
    }
}
