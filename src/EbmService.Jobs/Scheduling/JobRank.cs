namespace EbmService.Jobs.Scheduling;

/// <summary>What ranks are computed against.</summary>
/// <param name="Now">Seconds of a monotonic clock.</param>
/// <param name="AgeingSeconds">Waiting that raises a job by one priority; 0: none.</param>
/// <param name="DeadlineMarginSeconds">A deadline with less slack than that is at risk.</param>
/// <param name="SlotRate">Units of work per second of one slot lately, over all jobs: a guess for jobs of which nothing
/// was measured. Null while nothing was.</param>
/// <param name="Slots">How many there are.</param>
internal readonly record struct RankingView(
    double Now, double AgeingSeconds = 0, double DeadlineMarginSeconds = 0, double? SlotRate = null, int Slots = 1);

/// <summary>
/// A job's place in the one order that slots and queue positions follow, at one moment; the fields in order of weight.
/// </summary>
/// <param name="Effective">The priority with what ageing adds, at most <see cref="JobPriority.Highest"/>; more is first.</param>
/// <param name="OverdueSince">When its wait outgrew the highest priority; infinity before. The earlier is first.</param>
/// <param name="Deadline">The deadline while it is at risk, infinity else. The earlier is first.</param>
/// <param name="Priority">The job's own; more is first: the aged come after those who are of that priority.</param>
/// <param name="TenantTime">Slot time its tenant consumed at that priority, in ticks; less is first.</param>
/// <param name="Tenant"><see cref="TenantShare.Number"/>.</param>
/// <param name="JobTime">Slot time the job consumed, in ticks; less is first.</param>
/// <param name="Order">Age, after the model at hand: smaller is first.</param>
internal readonly record struct JobRank(
    int Effective, double OverdueSince, double Deadline, int Priority, long TenantTime, int Tenant, long JobTime, long Order)
{
    private const double Never = double.PositiveInfinity;

    public bool IsOverdue => OverdueSince < Never;

    public bool IsAtRisk => Deadline < Never;

    /// <value>Whether it is where it is because it waited.</value>
    public bool IsAged => Effective > Priority || IsOverdue;

    /// <param name="share">The job's standing.</param>
    /// <param name="remaining">Work left, in the job's units.</param>
    /// <param name="blocks">Blocks left, which bound how many slots it can use.</param>
    /// <param name="view">The moment.</param>
    public static JobRank Of(JobShare share, long remaining, int blocks, in RankingView view)
    {
        TenantShare tenant = share.Tenant;
        int priority = tenant.Level.Priority;
        (int effective, double overdueSince) = Aged(share, priority, view);
        double deadline = overdueSince == Never && IsDeadlineAtRisk(share, remaining, blocks, view) ? share.Deadline : Never;
        return new(effective, overdueSince, deadline, priority, tenant.VirtualTime, tenant.Number, share.VirtualTime, share.Order);
    }

    /// <summary>Negative when <paramref name="a"/> is first; the model at hand and age are left to the caller when it is 0.</summary>
    public static int CompareByService(in JobRank a, in JobRank b)
    {
        int order = b.Effective.CompareTo(a.Effective);
        if (order == 0)
            order = a.OverdueSince.CompareTo(b.OverdueSince);
        if (order == 0)
            order = a.Deadline.CompareTo(b.Deadline);
        if (order == 0)
            order = b.Priority.CompareTo(a.Priority);
        if (order == 0)
            order = a.TenantTime.CompareTo(b.TenantTime);
        if (order == 0)
            order = a.Tenant.CompareTo(b.Tenant);
        return order != 0 ? order : a.JobTime.CompareTo(b.JobTime);
    }

    /// <summary>Negative when <paramref name="a"/> is first, on a slot that has neither's model at hand.</summary>
    public static int Compare(in JobRank a, in JobRank b) =>
        CompareByService(a, b) is not 0 and int order ? order : a.Order.CompareTo(b.Order);

    /// <summary>
    /// Negative when <paramref name="a"/> goes before <paramref name="b"/>
    /// whatever each has consumed: no turn is waited for.
    /// </summary>
    public static int CompareClass(in JobRank a, in JobRank b)
    {
        int order = b.Effective.CompareTo(a.Effective);
        if (order == 0)
            order = b.IsOverdue.CompareTo(a.IsOverdue);
        if (order == 0)
            order = b.IsAtRisk.CompareTo(a.IsAtRisk);
        return order != 0 ? order : b.Priority.CompareTo(a.Priority);
    }

    private static (int Effective, double OverdueSince) Aged(JobShare share, int priority, in RankingView view)
    {
        if (view.AgeingSeconds <= 0)
            return (priority, Never);
        // While its tenant is served at its priority a job waits for its own kind, which is not what ageing is against.
        double since = Math.Max(share.Wait.Since, share.Tenant.Wait.Since);
        double patience = (JobPriority.Highest - priority + 1) * view.AgeingSeconds;
        double overdueSince = Math.Min(since + patience, share.Wait.Since + patience * Math.Max(1, share.Tenant.Jobs));
        if (overdueSince <= view.Now)
            return (JobPriority.Highest, overdueSince);
        int levels = (int)Math.Max(0, (view.Now - since) / view.AgeingSeconds);
        return (Math.Min(JobPriority.Highest, priority + levels), Never);
    }

    private static bool IsDeadlineAtRisk(JobShare share, long remaining, int blocks, in RankingView view)
    {
        if (share.Deadline == Never)
            return false;
        double needed = (share.SecondsOf(remaining, view) ?? 0) / Math.Clamp(blocks, 1, Math.Max(1, view.Slots));
        return share.Deadline - view.Now - needed < view.DeadlineMarginSeconds;
    }
}

/// <summary>The range of priorities; more runs first.</summary>
internal static class JobPriority
{
    public const int Lowest = -10;
    public const int Highest = 10;
}
