namespace EbmService.Jobs.Scheduling;

/// <summary>
/// Virtual time per priority, in chain-steps (start-time fair queuing, Goyal et al. 1996): a job begins where the jobs in service are, so
/// that a newcomer neither waits behind their past nor makes them wait for its own.
/// </summary>
internal sealed class FairClock
{
    private readonly Dictionary<int, long> _now = [];

    /// <summary>The virtual time at which a job admitted now begins.</summary>
    public long Enter(int priority) => _now.GetValueOrDefault(priority);

    /// <summary>A job with that virtual time is being served; the clock never goes back.</summary>
    public void Serve(int priority, long virtualTime) => _now[priority] = Math.Max(Enter(priority), virtualTime);
}
