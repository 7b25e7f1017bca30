using EbmService.Core.Models;

namespace EbmService.Jobs.Scheduling;

/// <summary>
/// Decides what a slot does next, in the order of <see cref="JobRank"/>: effective priority, what waited too long, deadlines at risk,
/// the tenant that consumed less, its job that consumed less, then a model already at hand, then age. Pure functions of plain data: no
/// clock, no tensors, no state.
/// </summary>
/// <remarks>
/// A slot keeps a bounded number of blocks open, at most one of each job. The best-ranked job runs. When it has no open block and no
/// place is free, an open block is parked for it (saved to memory):
/// 1. the worst-ranked, at once, where the waiting job's own priority is higher; 2. likewise where it is ahead by ageing or a deadline;
/// 3. one of a tenant that has several places, where the waiting job's tenant has none; 4. the worst-ranked that has had its turn of a
/// number of quanta, so that equal jobs take turns without paying a checkpoint each quantum. 2 to 4 need memory for one more checkpoint.
/// </remarks>
internal static class JobScheduler
{
    /// <value>The most places of a slot.</value>
    public const int MaxPlaces = 64;

    public static SchedulingDecision Choose(ReadOnlySpan<JobCandidate> jobs, in SlotView slot)
    {
        Span<int> open = stackalloc int[Math.Min(slot.Places, MaxPlaces)];
        int best = -1, bestOpen = -1, worstOpen = -1, turnOver = -1, count = 0;
        for (int i = 0; i < jobs.Length; i++)
        {
            ref readonly JobCandidate job = ref jobs[i];
            if (!job.OpenHere && !job.HasWaiting)
                continue;
            best = Better(jobs, slot, i, best);
            if (!job.OpenHere)
                continue;
            if (count < open.Length)
                open[count++] = i;
            bestOpen = Better(jobs, slot, i, bestOpen);
            worstOpen = Worse(jobs, slot, i, worstOpen);
            if (job.QuantaSinceOpen >= slot.RotationQuanta)
                turnOver = Worse(jobs, slot, i, turnOver);
        }
        if (best < 0)
            return new(SchedulingAction.Idle, -1);
        if (jobs[best].OpenHere)
            return new(SchedulingAction.Continue, jobs[best].Job);
        if (count < open.Length)
            return new(SchedulingAction.Open, jobs[best].Job);
        int parked = slot.MayRotate ? ToPark(jobs, slot, best, worstOpen, turnOver, open)
            : HasPreemptor(jobs, slot, bestOpen, worstOpen) ? worstOpen : -1;
        return parked >= 0 ? new(SchedulingAction.Park, jobs[parked].Job) : new(SchedulingAction.Continue, jobs[bestOpen].Job);
    }

    /// <summary>Negative when <paramref name="a"/> runs before <paramref name="b"/>.</summary>
    public static int Compare(in JobCandidate a, in JobCandidate b, in SlotView slot)
    {
        int order = JobRank.CompareByService(a.Rank, b.Rank);
        if (order == 0)
            order = AtHand(b, slot).CompareTo(AtHand(a, slot));
        return order != 0 ? order : a.Rank.Order.CompareTo(b.Rank.Order);
    }

    private static int ToPark(
        ReadOnlySpan<JobCandidate> jobs, in SlotView slot, int best, int worstOpen, int turnOver, ReadOnlySpan<int> open)
    {
        if (JobRank.CompareClass(jobs[best].Rank, jobs[worstOpen].Rank) < 0)
            return worstOpen;
        int spare = Spare(jobs, slot, best, open);
        return spare >= 0 ? spare : turnOver;
    }

    /// <summary>Whether a waiting job comes first whose own priority is higher than that of the block in the worst place.</summary>
    private static bool HasPreemptor(ReadOnlySpan<JobCandidate> jobs, in SlotView slot, int bestOpen, int worstOpen)
    {
        int best = bestOpen;
        for (int i = 0; i < jobs.Length; i++)
        {
            if (jobs[i] is { HasWaiting: true, OpenHere: false } && jobs[i].Rank.Priority > jobs[worstOpen].Rank.Priority)
                best = Better(jobs, slot, i, best);
        }
        return best != bestOpen;
    }

    /// <summary>The worst-ranked open block whose tenant has another one here, where the best one's tenant has none.</summary>
    private static int Spare(ReadOnlySpan<JobCandidate> jobs, in SlotView slot, int best, ReadOnlySpan<int> open)
    {
        int spare = -1;
        foreach (int i in open)
        {
            int tenant = jobs[i].Rank.Tenant;
            if (tenant == jobs[best].Rank.Tenant)
                return -1;
            foreach (int other in open)
            {
                if (other != i && jobs[other].Rank.Tenant == tenant)
                    spare = Worse(jobs, slot, i, spare);
            }
        }
        return spare;
    }

    private static bool AtHand(in JobCandidate job, in SlotView slot) => job.OpenHere || job.Model == slot.LastModel;

    private static int Better(ReadOnlySpan<JobCandidate> jobs, in SlotView slot, int i, int other) =>
        other < 0 || Compare(jobs[i], jobs[other], slot) < 0 ? i : other;

    private static int Worse(ReadOnlySpan<JobCandidate> jobs, in SlotView slot, int i, int other) =>
        other < 0 || Compare(jobs[i], jobs[other], slot) > 0 ? i : other;
}

/// <summary>A job as one slot's scheduler sees it.</summary>
/// <param name="Job">Its place in the list that the decision refers to.</param>
/// <param name="Rank">Its rank now.</param>
/// <param name="Model">What it computes with.</param>
/// <param name="HasWaiting">A block of it waits for a slot.</param>
/// <param name="OpenHere">A block of it is open on this slot.</param>
/// <param name="QuantaSinceOpen">Quanta that the open block has had in its place.</param>
internal readonly record struct JobCandidate(
    int Job, JobRank Rank, ModelKey Model, bool HasWaiting, bool OpenHere = false, int QuantaSinceOpen = 0);

/// <summary>The slot that asks.</summary>
/// <param name="Places">Blocks it may keep open.</param>
/// <param name="RotationQuanta">Quanta after which an open block may be parked for a job of equal priority that has had less.</param>
/// <param name="MayRotate">Whether there is memory for one more parked checkpoint.</param>
/// <param name="LastModel">The model it computed last.</param>
internal readonly record struct SlotView(int Places, int RotationQuanta, bool MayRotate, ModelKey? LastModel = null);

internal enum SchedulingAction
{
    /// <summary>Nothing here can run.</summary>
    Idle,

    /// <summary>One more quantum for the job's open block.</summary>
    Continue,

    /// <summary>Open a waiting block of the job.</summary>
    Open,

    /// <summary>Park the open block of the job: a waiting one deserves the place more.</summary>
    Park,
}

/// <param name="Job">The chosen candidate's <see cref="JobCandidate.Job"/>; -1 for <see cref="SchedulingAction.Idle"/>.</param>
internal readonly record struct SchedulingDecision(SchedulingAction Action, int Job);
