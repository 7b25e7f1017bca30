namespace EbmService.Jobs.Scheduling;

/// <summary>What a tenant has of one priority when another job of it comes.</summary>
internal enum TenantActivity
{
    /// <summary>No job that could run.</summary>
    Idle,

    /// <summary>Jobs, all of whose blocks are on slots already.</summary>
    Served,

    /// <summary>Jobs with blocks that wait.</summary>
    Waiting,
}

/// <summary>
/// Hierarchical start-time fair queuing (Goyal et al. 1996) in slot time: per priority between tenants, and per tenant between
/// its jobs. A tenant that comes back from idle begins where those in service are, so that it is neither punished for its past
/// nor owed for its absence; a job begins where its tenant's jobs in service are. Guarded by the gate.
/// </summary>
/// <param name="turnQuanta">Quanta of a turn.</param>
internal sealed class FairClock(int turnQuanta)
{
    private const int FirstSweep = 64;

    private readonly Dictionary<int, PriorityLevel> _levels = [];
    private readonly Dictionary<(int Priority, string Tenant), TenantShare> _tenants = [];
    private int _number;
    private long _order;
    private int _sweepAt = FirstSweep;

    /// <summary>The tenant's standing at that priority, if it has or had jobs there.</summary>
    public TenantShare? Find(int priority, string tenant) => _tenants.GetValueOrDefault((priority, tenant));

    /// <summary>A job is admitted.</summary>
    /// <param name="activity">What the tenant has of that priority without this job.</param>
    public JobShare Enter(int priority, string tenant, TenantActivity activity, double now, double deadline = double.PositiveInfinity)
    {
        if (!_tenants.TryGetValue((priority, tenant), out TenantShare? share))
        {
            Sweep();
            _tenants[(priority, tenant)] = share = new TenantShare(Level(priority), _number++);
        }
        share.Jobs++;
        share.Level.Jobs++;
        var job = new JobShare(share, _order++, deadline);
        Return(job, activity, now);
        return job;
    }

    /// <summary>A job that was away (paused) waits again.</summary>
    /// <param name="activity">What the tenant has of the job's priority without this job.</param>
    public void Return(JobShare job, TenantActivity activity, double now)
    {
        TenantShare share = job.Tenant;
        // A tenant with too few blocks for its share has no claim to the rest of it later, but for what turns make it wait.
        if (activity == TenantActivity.Idle)
            share.VirtualTime = Math.Max(share.VirtualTime, share.Level.Clock);
        else if (activity == TenantActivity.Served)
            share.VirtualTime = Math.Max(share.VirtualTime, share.Level.Clock - turnQuanta * share.Level.LargestQuantum);
        if (activity == TenantActivity.Idle)
            share.Wait.Restart(now);
        job.VirtualTime = Math.Max(job.VirtualTime, share.JobClock);
        job.Wait.Restart(now);
    }

    /// <summary>A block of the job gets a quantum; clocks never go back.</summary>
    /// <param name="byAgeing">Whether the job's rank owed to its wait.</param>
    public void Serve(JobShare job, bool byAgeing, double now)
    {
        TenantShare share = job.Tenant;
        share.Level.Clock = Math.Max(share.Level.Clock, share.VirtualTime);
        share.JobClock = Math.Max(share.JobClock, job.VirtualTime);
        share.Wait.Serve(now, byAgeing, turnQuanta);
        job.Wait.Serve(now, byAgeing, turnQuanta);
    }

    /// <summary>The job has ended.</summary>
    public void Leave(JobShare job)
    {
        job.Tenant.Jobs--;
        PriorityLevel level = job.Tenant.Level;
        if (--level.Jobs == 0)
            level.Clock = Math.Max(level.Clock, level.Furthest);
    }

    private PriorityLevel Level(int priority)
    {
        if (!_levels.TryGetValue(priority, out PriorityLevel? level))
            _levels[priority] = level = new PriorityLevel(priority);
        return level;
    }

    /// <summary>Forgets idle tenants whose return would begin at the level's clock anyway.</summary>
    private void Sweep()
    {
        if (_tenants.Count < _sweepAt)
            return;
        foreach ((var key, TenantShare share) in _tenants)
        {
            if (share.Jobs == 0 && share.VirtualTime <= share.Level.Clock)
                _tenants.Remove(key);
        }
        _sweepAt = Math.Max(FirstSweep, 2 * _tenants.Count);
    }
}
