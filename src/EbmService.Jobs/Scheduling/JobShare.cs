namespace EbmService.Jobs.Scheduling;

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
    /// <param name="slotTime">How long it had the slot. Never free: with a clock too coarse to see a quantum, equals still take turns.</param>
    /// <param name="work">What it did in the job's own units (chain-steps of a sampling job), which are not comparable between jobs; may be 0.</param>
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

    /// <summary>Seconds of slot time that so much work will take: by what the job itself took, before that by what jobs took lately; null while nothing was measured.</summary>
    public double? SecondsOf(long work, in RankingView view) => work * (SecondsPerUnit ?? (view.SlotRate is > 0 and double rate ? 1 / rate : null));
}
