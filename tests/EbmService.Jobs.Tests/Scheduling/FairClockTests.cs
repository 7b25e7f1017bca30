using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

public sealed class FairClockTests
{
    private readonly FairClock _clock = new(turnQuanta: 5);

    [Fact]
    public void Enter_NewTenant_BeginsWhereThoseInServiceAre()
    {
        Serve(Enter("a"), 10, quanta: 4);

        Assert.Equal(30, Enter("b").Tenant.VirtualTime);
    }

    [Fact]
    public void Enter_BackFromIdle_IsLiftedToTheClockAndKeepsWhatItIsAheadBy()
    {
        JobShare first = Enter("a");
        JobShare other = Enter("b");
        Serve(first, 10, quanta: 1);
        _clock.Leave(first);
        Assert.Equal(10, Enter("a").Tenant.VirtualTime);

        Serve(other, 10, quanta: 9);
        Assert.Equal(80, Enter("a").Tenant.VirtualTime);
    }

    [Fact]
    public void Enter_NobodyWasLeft_AllBeginTogether()
    {
        JobShare alone = Enter("a");
        Serve(alone, 10, quanta: 9);
        _clock.Leave(alone);

        Assert.Equal((90, 90), (Enter("b").Tenant.VirtualTime, Enter("a").Tenant.VirtualTime));
    }

    [Fact]
    public void Enter_TenantThatWaits_KeepsWhatItIsOwed()
    {
        Enter("a");
        Serve(Enter("b"), 10, quanta: 9);

        Assert.Equal(0, Enter("a", TenantActivity.Waiting).Tenant.VirtualTime);
    }

    [Fact]
    public void Enter_TenantThatHadTooFewBlocksForItsShare_IsOwedNoMoreThanATurn()
    {
        Enter("a");
        Serve(Enter("b"), 10, quanta: 100);

        Assert.Equal(990 - 5 * 10, Enter("a", TenantActivity.Served).Tenant.VirtualTime);
    }

    [Fact]
    public void Enter_JobOfATenant_BeginsWhereItsJobsInServiceAre()
    {
        JobShare first = Enter("a");
        Serve(first, 10, quanta: 4);

        Assert.Equal(30, Enter("a", TenantActivity.Waiting).VirtualTime);
        Assert.Equal(0, Enter("b").VirtualTime);
    }

    [Fact]
    public void Enter_OtherPriority_HasItsOwnClock()
    {
        Serve(Enter("a"), 10, quanta: 4);

        Assert.Equal(0, _clock.Enter(1, "a", TenantActivity.Idle, 0).Tenant.VirtualTime);
    }

    [Fact]
    public void Enter_ManyTenantsThatLeft_AreForgotten()
    {
        for (int i = 0; i < 1000; i++)
        {
            JobShare job = Enter($"tenant {i}");
            Serve(job, 1, quanta: 1);
            _clock.Leave(job);
        }

        Assert.InRange(Enumerable.Range(0, 1000).Count(i => _clock.Find(0, $"tenant {i}") is not null), 1, 128);
    }

    private JobShare Enter(string tenant, TenantActivity activity = TenantActivity.Idle) => _clock.Enter(0, tenant, activity, now: 0);

    private void Serve(JobShare job, long ticks, int quanta)
    {
        for (; quanta > 0; quanta--)
        {
            _clock.Serve(job, byAgeing: false, now: 0);
            job.Charge(TimeSpan.FromTicks(ticks), work: 1);
        }
    }
}
