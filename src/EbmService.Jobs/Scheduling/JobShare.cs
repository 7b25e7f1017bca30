namespace EbmService.Jobs.Scheduling;

/// <summary>A job's standing among its tenant's jobs of the same priority. Made by <see cref="FairClock"/>; guarded by the gate.</summary>
/// <param name="tenant">Its tenant's standing.</param>
/// <param name="order">Counts up with admission: smaller is older.</param>
/// <param name="deadline">Seconds on the clock of <see cref="RankingView.Now"/>; infinity for none.</param>
internal sealed class JobShare(TenantShare tenant, long order, double deadline)
{
    private WaitClock _wait;

    public TenantShare Tenant => tenant;

    public long Order => order;

    public double Deadline => deadline;

    /// <value>Chain-steps consumed, on the scale of the tenant's <see cref="TenantShare.JobClock"/>.</value>
    public long VirtualTime { get; set; }

    public ref WaitClock Wait => ref _wait;

    /// <summary>Enters what a quantum consumed.</summary>
    public void Charge(long chainSteps)
    {
        VirtualTime += chainSteps;
        tenant.VirtualTime += chainSteps;
        tenant.Level.Furthest = Math.Max(tenant.Level.Furthest, tenant.VirtualTime);
        tenant.Level.LargestQuantum = Math.Max(tenant.Level.LargestQuantum, chainSteps);
    }
}
