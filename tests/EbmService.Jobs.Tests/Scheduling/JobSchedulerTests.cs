using EbmService.Jobs.Scheduling;
using static EbmService.Jobs.Tests.Scheduling.Candidates;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>Single decisions; what holds over time is in the properties.</summary>
public sealed class JobSchedulerTests
{
    [Fact]
    public void Choose_NoJobs_Idles() => Assert.Equal(new(SchedulingAction.Idle, -1), JobScheduler.Choose([], Slot));

    [Fact]
    public void Choose_NothingOpenNorWaiting_Idles() => Assert.Equal(
        new(SchedulingAction.Idle, -1), JobScheduler.Choose([Waiting(0, Rank()) with { HasWaiting = false }], Slot));

    [Fact]
    public void Choose_EqualJobs_TakesTheOldest() => AssertOpens(0, Waiting(0, Rank()), Waiting(1, Rank()));

    [Fact]
    public void Choose_LessConsumed_ComesBeforeAge() => AssertOpens(1, Waiting(0, Rank(time: 2)), Waiting(1, Rank(time: 1)));

    [Fact]
    public void Choose_EqualConsumption_PrefersTheModelAtHandToAge() => Assert.Equal(
        new(SchedulingAction.Open, 1),
        JobScheduler.Choose([Waiting(0, Rank(), "other"), Waiting(1, Rank())], Slot with { LastModel = Model }));

    [Fact]
    public void Choose_LessConsumed_ComesBeforeTheModelAtHand() => Assert.Equal(
        new(SchedulingAction.Open, 0),
        JobScheduler.Choose([Waiting(0, Rank(), "other"), Waiting(1, Rank(time: 1))], Slot with { LastModel = Model }));

    [Fact]
    public void Choose_TenantWithLess_ComesBeforeItsJobsConsumption() => AssertOpens(
        1, Waiting(0, Rank(tenant: 0, tenantTime: 9, time: 0)), Waiting(1, Rank(tenant: 1, tenantTime: 8, time: 99)));

    [Fact]
    public void Choose_DeadlineAtRisk_ComesBeforeFairness() => AssertOpens(
        1, Waiting(0, Rank()), Waiting(1, Rank(tenantTime: 99, deadline: 5)), Waiting(2, Rank(deadline: 6)));

    [Fact]
    public void Choose_DeadlineAtRisk_NeverComesBeforeAHigherPriority() => AssertOpens(
        1, Waiting(0, Rank(deadline: 0)), Waiting(1, Rank(priority: 1)));

    [Fact]
    public void Choose_AgedToAPriority_ComesAfterThoseOfThatPriority() => AssertOpens(
        1, Waiting(0, Rank(effective: 3)), Waiting(1, Rank(priority: 3, tenantTime: 99)), Waiting(2, Rank(priority: 2)));

    [Fact]
    public void Choose_Overdue_ComesBeforeDeadlinesOfTheHighestPriority() => AssertOpens(
        1, Waiting(0, Rank(priority: 10, deadline: 1)), Waiting(1, Rank(effective: 10, overdueSince: 7)), Waiting(2, Rank(effective: 10, overdueSince: 8)));

    [Fact]
    public void Choose_HigherPriorityAndNoPlace_ParksTheWorstAtOnceAndWithoutMemory() => Assert.Equal(
        new(SchedulingAction.Park, 1),
        JobScheduler.Choose(
            [Open(0, Rank()), Open(1, Rank(time: 9)), Waiting(2, Rank(priority: 1, tenantTime: 99))], Slot with { MayRotate = false }));

    [Fact]
    public void Choose_AgedOrAtRiskAndNoPlace_ParksTheWorstAtOnceButOnlyWithMemory()
    {
        foreach (JobRank ahead in (JobRank[])[Rank(priority: -1, effective: 1), Rank(tenantTime: 99, deadline: 3)])
        {
            JobCandidate[] jobs = [Open(0, Rank()), Open(1, Rank(time: 9)), Waiting(2, ahead)];

            Assert.Equal(new(SchedulingAction.Park, 1), JobScheduler.Choose(jobs, Slot));
            Assert.Equal(new(SchedulingAction.Continue, 0), JobScheduler.Choose(jobs, Slot with { MayRotate = false }));
        }
    }

    [Fact]
    public void Choose_EqualPriorityAndNoPlace_ParksOnlyAfterATurnAndOnlyWithMemory()
    {
        JobCandidate[] fresh = [Open(0, Rank(time: 5), 4), Open(1, Rank(time: 9), 4), Waiting(2, Rank())];
        JobCandidate[] served = [Open(0, Rank(time: 5), 5), Open(1, Rank(time: 9), 5), Waiting(2, Rank())];

        Assert.Equal(new(SchedulingAction.Continue, 0), JobScheduler.Choose(fresh, Slot));
        Assert.Equal(new(SchedulingAction.Park, 1), JobScheduler.Choose(served, Slot));
        Assert.Equal(new(SchedulingAction.Continue, 0), JobScheduler.Choose(served, Slot with { MayRotate = false }));
    }

    [Fact]
    public void Choose_TenantWithoutAPlaceAndAnotherWithTwo_ParksOneOfTheTwoWithoutWaitingForATurn()
    {
        JobCandidate newcomer = Waiting(2, Rank(tenant: 1));
        JobCandidate[] shared = [Open(0, Rank(tenantTime: 5, time: 1)), Open(1, Rank(tenantTime: 5, time: 4)), newcomer];
        JobCandidate[] apart = [Open(0, Rank(tenantTime: 5)), Open(1, Rank(tenant: 2, tenantTime: 5)), newcomer];

        Assert.Equal(new(SchedulingAction.Park, 1), JobScheduler.Choose(shared, Slot));
        Assert.Equal(new(SchedulingAction.Continue, 0), JobScheduler.Choose(shared, Slot with { MayRotate = false }));
        Assert.Equal(new(SchedulingAction.Continue, 0), JobScheduler.Choose(apart, Slot));
    }

    private static void AssertOpens(int expected, params JobCandidate[] jobs)
    {
        Assert.Equal(new(SchedulingAction.Open, expected), JobScheduler.Choose(jobs, Slot));
        Array.Reverse(jobs);
        Assert.Equal(new(SchedulingAction.Open, expected), JobScheduler.Choose(jobs, Slot));
    }
}
