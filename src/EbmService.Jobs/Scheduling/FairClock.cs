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
/// its jobs. A tenant that comes back from idle begins where those in service are, so that it neither pays for its past
/// nor is owed for its absence; a job begins where its tenant's jobs in service are. Guarded by the gate.
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

/// <summary>A job's standing among its tenant's jobs of the same priority. Made by <see cref="FairClock"/>; guarded by the gate.</summary>
/// <param name="tenant">Its tenant's standing.</param>
/// <param name="order">Counts up with admission: smaller is older.</param>
/// <param name="deadline">Seconds on the clock of <see cref="RankingView.Now"/>; infinity for none.</param>
internal sealed class JobShare(TenantShare tenant, long order, double deadline)
{
    private WaitClock _wait;
    private long _slotTicks;
    private long _work;

    public TenantShare Tenant => tenant;

    public long Order => order;

    public double Deadline => deadline;

    /// <value>Slot time consumed, in ticks of 100 ns, on the scale of the tenant's <see cref="TenantShare.JobClock"/>.</value>
    public long VirtualTime { get; set; }

    /// <value>Seconds of slot time that a unit of the job's work took so far; null before the first unit is done.</value>
    public double? SecondsPerUnit => _work > 0 ? (double)_slotTicks / TimeSpan.TicksPerSecond / _work : null;

    public ref WaitClock Wait => ref _wait;

    /// <summary>Enters what a quantum consumed.</summary>
    /// <param name="slotTime">How long it had the slot. Never free: with a clock too coarse to see a quantum, equals
    /// still take turns.</param>
    /// <param name="work">What it did in the job's own units (chain-steps of a sampling job), which are not comparable
    /// between jobs; may be 0.</param>
    public void Charge(TimeSpan slotTime, long work)
    {
        long ticks = Math.Max(1, slotTime.Ticks);
        _slotTicks += ticks;
        _work += work;
        VirtualTime += ticks;
        tenant.VirtualTime += ticks;
        tenant.Level.Furthest = Math.Max(tenant.Level.Furthest, tenant.VirtualTime);
        tenant.Level.LargestQuantum = Math.Max(tenant.Level.LargestQuantum, ticks);
    }

    /// <summary>
    /// Seconds of slot time that so much work will take: by what the job itself took, before that by what jobs took
    /// lately; null while nothing was measured.
    /// </summary>
    public double? SecondsOf(long work, in RankingView view) =>
        work * (SecondsPerUnit ?? (view.SlotRate is > 0 and double rate ? 1 / rate : null));
}

/// <summary>
/// One tenant's jobs of one priority: the unit that shares the device
/// fairly. Made by <see cref="FairClock"/>; guarded by the gate.
/// </summary>
internal sealed class TenantShare(PriorityLevel level, int number)
{
    private WaitClock _wait;

    public PriorityLevel Level => level;

    /// <value>Unique; the older tenant has the smaller one.</value>
    public int Number => number;

    /// <value>Slot time consumed, in ticks of 100 ns, on the scale of the level's clock.</value>
    public long VirtualTime { get; set; }

    /// <value>The virtual time of the tenant's job served last: where its next job begins.</value>
    public long JobClock { get; set; }

    /// <value>Jobs that have not ended.</value>
    public int Jobs { get; set; }

    public ref WaitClock Wait => ref _wait;
}

/// <summary>The virtual time of one priority. Guarded by the gate.</summary>
internal sealed class PriorityLevel(int priority)
{
    public int Priority => priority;

    /// <value>The virtual time of the tenant served last; never goes back.</value>
    public long Clock { get; set; }

    /// <value>The virtual time of the tenant that is furthest: where the clock goes when nobody is left.</value>
    public long Furthest { get; set; }

    /// <value>Jobs that have not ended.</value>
    public int Jobs { get; set; }

    /// <value>The longest quantum, in ticks.</value>
    public long LargestQuantum { get; set; }
}

/// <summary>Since when a job, or a tenant's jobs of one priority, go without service. Seconds of a monotonic clock.</summary>
internal struct WaitClock
{
    private int _turn;

    public double Since { get; private set; }

    /// <summary>The wait begins now.</summary>
    public void Restart(double now) => (Since, _turn) = (now, 0);

    /// <summary>
    /// A quantum of service ends the wait; one that came by ageing does so only after a whole turn, or it would not be
    /// worth opening a block.
    /// </summary>
    public void Serve(double now, bool byAgeing, int turnQuanta)
    {
        if (!byAgeing || ++_turn >= turnQuanta)
            Restart(now);
    }
}
