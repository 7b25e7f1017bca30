namespace EbmService.Jobs.Scheduling;

/// <summary>
/// Decides what a slot does next: priority first, then fairness by chain-steps consumed, then a model already at hand,
/// then age. Pure functions of plain data: no clock, no tensors, no state.
/// </summary>
/// <remarks>
/// A slot keeps a bounded number of blocks open, at most one of each job. The best-ranked job runs. When it has no open block
/// and no place is free, the worst-ranked open block is parked for it (saved to memory), at once for a higher priority and after a
/// number of quanta for an equal one, so that equal jobs take turns without paying a checkpoint each quantum.
/// </remarks>
internal static class JobScheduler
{
    public static SchedulingDecision Choose(IReadOnlyList<JobCandidate> jobs, SlotView slot)
    {
        int best = -1, worstOpen = -1, turnOver = -1, open = 0, bestOpen = -1;
        for (int i = 0; i < jobs.Count; i++)
        {
            JobCandidate job = jobs[i];
            if (!job.OpenHere && !job.HasWaiting)
                continue;
            best = Better(jobs, slot, i, best);
            if (!job.OpenHere)
                continue;
            open++;
            bestOpen = Better(jobs, slot, i, bestOpen);
            worstOpen = Worse(jobs, slot, i, worstOpen);
            if (job.QuantaSinceOpen >= slot.RotationQuanta)
                turnOver = Worse(jobs, slot, i, turnOver);
        }
        if (best < 0)
            return new(SchedulingAction.Idle, -1);
        if (jobs[best].OpenHere)
            return new(SchedulingAction.Continue, jobs[best].Job);
        if (open < slot.Places)
            return new(SchedulingAction.Open, jobs[best].Job);
        if (jobs[worstOpen].Priority < jobs[best].Priority)
            return new(SchedulingAction.Park, jobs[worstOpen].Job);
        return turnOver >= 0 && slot.MayRotate
            ? new(SchedulingAction.Park, jobs[turnOver].Job)
            : new(SchedulingAction.Continue, jobs[bestOpen].Job);
    }

    /// <summary>Negative when <paramref name="a"/> runs before <paramref name="b"/>.</summary>
    public static int Compare(JobCandidate a, JobCandidate b, SlotView slot)
    {
        int order = b.Priority.CompareTo(a.Priority);
        if (order == 0)
            order = a.VirtualTime.CompareTo(b.VirtualTime);
        if (order == 0)
            order = AtHand(b, slot).CompareTo(AtHand(a, slot));
        return order != 0 ? order : a.Order.CompareTo(b.Order);
    }

    private static bool AtHand(JobCandidate job, SlotView slot) => job.OpenHere || job.Model == slot.LastModel;

    private static int Better(IReadOnlyList<JobCandidate> jobs, SlotView slot, int i, int other) =>
        other < 0 || Compare(jobs[i], jobs[other], slot) < 0 ? i : other;

    private static int Worse(IReadOnlyList<JobCandidate> jobs, SlotView slot, int i, int other) =>
        other < 0 || Compare(jobs[i], jobs[other], slot) > 0 ? i : other;
}
