using EbmService.Jobs.Scheduling;
using static EbmService.Jobs.Tests.Scheduling.Candidates;

namespace EbmService.Jobs.Tests.Scheduling;

public sealed class JobRankTests
{
    private static readonly RankingView View = new(0, AgeingSeconds: 60, DeadlineMarginSeconds: 10, SlotRate: 100, Slots: 4);

    private readonly FairClock _clock = new(turnQuanta: 3);

    [Theory]
    [InlineData(0, 59, 0)]
    [InlineData(0, 60, 1)]
    [InlineData(-10, 300, -5)]
    [InlineData(9, 119, 10)]
    [InlineData(10, 59, 10)]
    public void Of_Waited_RisesByOnePriorityPerAgeingTime(int priority, double waited, int expected)
    {
        JobRank rank = At(waited, Enter(priority));

        Assert.Equal((expected, false), (rank.Effective, rank.IsOverdue));
    }

    [Fact]
    public void Of_WaitedLongerThanTheHighestPriorityTakes_IsOverdueSinceThen()
    {
        JobRank rank = At(700, Enter(0));

        Assert.Equal((JobPriority.Highest, 660), (rank.Effective, rank.OverdueSince));
    }

    [Fact]
    public void Of_AgeingOff_StaysWhereItIs() =>
        Assert.Equal(0, JobRank.Of(Enter(0), 1, 1, View with { Now = 1e9, AgeingSeconds = 0 }).Effective);

    [Fact]
    public void Of_ServedByItsOwnPriority_BeginsToWaitAnew()
    {
        JobShare job = Enter(0);
        _clock.Serve(job, byAgeing: false, now: 100);

        Assert.Equal(0, At(159, job).Effective);
        Assert.Equal(1, At(160, job).Effective);
    }

    [Fact]
    public void Of_ServedByAgeing_KeepsItsRankForOneTurn()
    {
        JobShare job = Enter(0);
        for (int quantum = 0; quantum < 3; quantum++)
        {
            Assert.Equal(2, At(120 + quantum, job).Effective);
            _clock.Serve(job, byAgeing: true, now: 120 + quantum);
        }

        Assert.Equal(0, At(123, job).Effective);
    }

    [Fact]
    public void Of_ItsTenantIsServed_DoesNotAge()
    {
        JobShare waits = Enter(0);
        JobShare served = Enter(0, activity: TenantActivity.Waiting);
        JobShare stranger = Enter(0, "b");
        _clock.Serve(served, byAgeing: false, now: 100);

        Assert.Equal(0, At(150, waits).Effective);
        Assert.Equal(2, At(150, stranger).Effective);
    }

    [Fact]
    public void Of_PassedOverByItsOwnTenantForTooLong_IsOverdue()
    {
        JobShare waits = Enter(10);
        JobShare served = Enter(10, activity: TenantActivity.Waiting);
        _clock.Serve(served, byAgeing: false, now: 121);

        Assert.Equal(120, At(121, waits).OverdueSince);
        Assert.False(At(121, served).IsOverdue);
    }

    [Fact]
    public void Of_JoinsATenantThatWaits_HasItsOwnWait()
    {
        Enter(0);
        JobShare late = Enter(0, activity: TenantActivity.Waiting, now: 100);

        Assert.Equal(0, At(159, late).Effective);
    }

    [Theory]
    [InlineData(1000, 1, 20.1, false)]
    [InlineData(1000, 1, 19.9, true)]
    [InlineData(1000, 2, 15.1, false)]
    [InlineData(1000, 2, 14.9, true)]
    [InlineData(4000, 8, 20.1, false)]
    [InlineData(4000, 8, 19.9, true)]
    [InlineData(1000, 1, -5, true)]
    public void Of_Deadline_IsAtRiskWhenItsSlackIsBelowTheMargin(long remaining, int blocks, double left, bool isAtRisk)
    {
        JobShare job = _clock.Enter(0, "a", TenantActivity.Idle, now: 0, deadline: left);

        Assert.Equal(isAtRisk ? left : Never, JobRank.Of(job, remaining, blocks, View).Deadline);
    }

    /// <summary>What a job's own units cost says what it still needs, whatever others do in the same time.</summary>
    [Fact]
    public void Of_DeadlineOfAMeasuredJob_GoesByItsOwnCost()
    {
        JobShare slow = _clock.Enter(0, "a", TenantActivity.Idle, now: 0, deadline: 1000);
        JobShare fast = _clock.Enter(0, "b", TenantActivity.Idle, now: 0, deadline: 1000);
        slow.Charge(TimeSpan.FromSeconds(10), work: 1);
        fast.Charge(TimeSpan.FromSeconds(1), work: 1000);

        Assert.True(JobRank.Of(slow, 100, 1, View).IsAtRisk);
        Assert.False(JobRank.Of(slow, 100, 2, View).IsAtRisk);
        Assert.False(JobRank.Of(fast, 100_000, 1, View).IsAtRisk);
    }

    [Fact]
    public void Of_DeadlineAndNoRateYet_IsAtRiskWithinTheMargin()
    {
        JobShare job = _clock.Enter(0, "a", TenantActivity.Idle, now: 0, deadline: 11);

        Assert.False(JobRank.Of(job, 1_000_000, 1, View with { SlotRate = null }).IsAtRisk);
        Assert.True(JobRank.Of(job, 1_000_000, 1, View with { SlotRate = null, Now = 2 }).IsAtRisk);
    }

    private JobShare Enter(int priority, string tenant = "a", TenantActivity activity = TenantActivity.Idle, double now = 0) =>
        _clock.Enter(priority, tenant, activity, now);

    private static JobRank At(double now, JobShare job) => JobRank.Of(job, 1, 1, View with { Now = now });
}
