namespace EbmService.Jobs.Scheduling;

/// <summary>One tenant's jobs of one priority: the unit that shares the device fairly. Made by <see cref="FairClock"/>; guarded by the gate.</summary>
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
