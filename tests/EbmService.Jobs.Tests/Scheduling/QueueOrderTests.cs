using EbmService.Jobs.Scheduling;
using static EbmService.Jobs.Tests.Scheduling.Candidates;

namespace EbmService.Jobs.Tests.Scheduling;

public sealed class QueueOrderTests
{
    [Fact]
    public void Positions_OneTenant_AreByRank() => Assert.Equal(
        [3, 1, 2], Positions(Rank(order: 0), Rank(order: 1, priority: 1), Rank(order: 2, deadline: 3)));

    [Fact]
    public void Positions_TwoTenants_Alternate() => Assert.Equal(
        [1, 3, 5, 2, 4], Positions(
            Rank(order: 0), Rank(order: 1), Rank(order: 2), Rank(order: 3, tenant: 1), Rank(order: 4, tenant: 1)));

    [Fact]
    public void Positions_TenantThatConsumedMore_BeginsLater() => Assert.Equal(
        [3, 4, 1, 2], Positions(
            Rank(order: 0, tenantTime: 15), Rank(order: 1, tenantTime: 15), Rank(order: 2, tenant: 1), Rank(order: 3, tenant: 1)));

    /// <summary>What is shown is what happens: jobs of one quantum each begin in the order of their places.</summary>
    [Fact]
    public void Positions_AnyQueueOfShortJobs_IsTheOrderInWhichTheyBegin() => Property.ForAll(300, random => random.Next(), (seed, _) =>
    {
        var random = new Random(seed);
        var simulation = new SchedulingSimulation(new SimulationSetup(Places: 4, Ageing: 0, Margin: 0));
        List<SimulatedJob> began = [];
        simulation.OnServed = (job, _) => began.Add(job);
        for (int i = random.Next(1, 30); i > 0; i--)
            simulation.Submit(new($"tenant {random.Next(4)}", random.Next(2), Milliseconds: 7, Quanta: 1));
        SimulatedJob[] jobs = [.. simulation.Jobs];
        int[] positions = QueueOrder.Positions([.. jobs.Select(job => job.Rank(new RankingView(0)))], [.. jobs.Select(_ => 7 * TimeSpan.TicksPerMillisecond)]);
        while (simulation.Jobs.Count > 0)
            simulation.Turn();

        Assert.Equal(began.Select(job => job.Number), jobs.Zip(positions).OrderBy(pair => pair.Second).Select(pair => pair.First.Number));
    });

    private static int[] Positions(params JobRank[] ranks) => QueueOrder.Positions(ranks, [.. ranks.Select(_ => 10L)]);
}
