using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>A decision and what must hold of it.</summary>
internal sealed class DecisionCase(JobCandidate[] jobs, SlotView slot)
{
    private bool IsFull => jobs.Count(job => job.OpenHere) >= slot.Places;

    public JobCandidate[] Jobs => jobs;

    public SlotView Slot => slot;

    public SchedulingDecision Decision { get; } = JobScheduler.Choose(jobs, slot);

    private JobCandidate Chosen => jobs.Single(job => job.Job == Decision.Job);

    private bool Serves => Decision.Action is SchedulingAction.Continue or SchedulingAction.Open;

    public void AssertAll()
    {
        AssertWorkConserving();
        AssertStrict();
        AssertDeadlines();
    }

    public void AssertWorkConserving()
    {
        Assert.Equal(jobs.Any(job => job.OpenHere || job.HasWaiting), Decision.Action != SchedulingAction.Idle);
        Assert.True(Decision.Action != SchedulingAction.Open || (Chosen is { HasWaiting: true, OpenHere: false } && !IsFull), "opens what waits, in a free place");
        Assert.True(Decision.Action is not (SchedulingAction.Continue or SchedulingAction.Park) || Chosen.OpenHere, "continues and parks what is open");
        Assert.True(Decision.Action != SchedulingAction.Park || (IsFull && jobs.Any(job => job.HasWaiting && !job.OpenHere)), "parks for somebody");
    }

    public void AssertStrict()
    {
        foreach (JobCandidate other in jobs.Where(other => Serves && CanRunHere(other)))
            Assert.True(other.Rank.Effective <= Chosen.Rank.Effective, $"{Decision} while {other.Job} of a higher priority can run");
    }

    public void AssertDeadlines()
    {
        foreach (JobCandidate other in jobs.Where(other => Serves && other.Rank.IsAtRisk && other.Rank.Effective == Chosen.Rank.Effective && !Chosen.Rank.IsOverdue))
        {
            Assert.True(Chosen.Rank.IsAtRisk || !CanRunHere(other), $"{Decision} while the deadline of {other.Job} is at risk");
            Assert.True(Chosen.Rank.Deadline <= other.Rank.Deadline || !CanRunAtOnce(other), $"{Decision} while {other.Job} has the earlier deadline");
        }
    }

    public override string ToString() => $"{slot} {string.Join(" | ", jobs)}";

    private bool CanRunAtOnce(JobCandidate job) => job.OpenHere || (job.HasWaiting && !IsFull);

    private bool CanRunHere(JobCandidate job) => CanRunAtOnce(job) || (job.HasWaiting
        && (slot.MayRotate || jobs.Where(open => open.OpenHere).All(open => open.Rank.Priority < job.Rank.Priority)));
}
