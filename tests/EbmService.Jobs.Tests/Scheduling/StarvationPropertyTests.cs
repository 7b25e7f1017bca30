using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>With ageing nothing waits for ever, whatever keeps arriving.</summary>
public sealed class StarvationPropertyTests
{
    private const int Cases = 300;
    private const int Turns = 1500;

    /// <value>Milliseconds.</value>
    private const int LongestQuantum = 50;

    /// <summary>
    /// Every job with a block to run is served again within (highest priority - its own + 1) ageing times per job of its tenant, and two
    /// rounds of turns over the jobs that there are: against a stream of short jobs of the highest priority and of its own, from new and
    /// from the same tenants, with deadlines at risk, with the model at hand.
    /// </summary>
    [Fact]
    public void AnyJob_UnderAStreamOfBetterOnes_IsServedWithinTheBound() => Property.ForAll(Cases, Setup, (setup, random) =>
    {
        var simulation = new SchedulingSimulation(setup);
        int mostJobs = 0;
        simulation.OnDecision = decision => new DecisionCase(decision.Jobs, decision.Slot).AssertAll();
        for (int i = random.Next(1, 9); i > 0; i--)
            simulation.Submit(Starving(random));
        int stream = random.Next(1, 6);
        for (int turn = 0; turn < Turns; turn++)
        {
            while (simulation.Jobs.Count(job => job.Shape.Priority == JobPriority.Highest || job.Shape.Quanta < 9) < stream)
                simulation.Submit(Better(random, turn));
            simulation.Turn();
            mostJobs = Math.Max(mostJobs, simulation.Jobs.Count);
            foreach (SimulatedJob job in simulation.Jobs)
                AssertServed(simulation, setup, job, mostJobs);
        }
    });

    /// <summary>The same without ageing: that the bound above comes from it.</summary>
    [Fact]
    public void LowJob_WithoutAgeingUnderAStreamOfHigherOnes_IsNeverServed()
    {
        foreach (double ageing in (double[])[0, 1])
        {
            var simulation = new SchedulingSimulation(new SimulationSetup(Ageing: ageing));
            SimulatedJob low = simulation.Submit(new("low", -1));
            for (int turn = 0; turn < 2000; turn++)
            {
                simulation.Submit(new("high", 1, Quanta: 1));
                simulation.Turn();
            }

            Assert.Equal(ageing > 0, low.Served > 0);
        }
    }

    private static void AssertServed(SchedulingSimulation simulation, SimulationSetup setup, SimulatedJob job, int mostJobs)
    {
        double ageing = (JobPriority.Highest - job.Shape.Priority + 1) * setup.Ageing * job.Siblings;
        double turns = 2 * mostJobs * (setup.Places + 1) * setup.Turn * LongestQuantum / 1000.0;
        Assert.True(simulation.Now - job.LastServed <= ageing + turns,
            $"at {simulation.Now:F2} s job {job.Number} {job.Shape} waits since {job.LastServed:F2} s, more than {ageing + turns:F2} s");
    }

    private static SimulationSetup Setup(Random random) =>
        new(random.Next(1, 4), random.Next(1, 5), random.Next(1, 6), Ageing: 0.02 * random.Next(1, 20), Margin: 1);

    private static JobShape Starving(Random random) => new(
        random.Next(2) == 0 ? "stream" : $"tenant {random.Next(3)}", random.Next(JobPriority.Lowest, JobPriority.Highest + 1), random.Next(1, LongestQuantum + 1), 1, 100_000, Model: "other");

    private static JobShape Better(Random random, int turn) => new(
        random.Next(2) == 0 ? "stream" : $"new {turn}", random.Next(3) > 0 ? JobPriority.Highest : random.Next(JobPriority.Lowest, JobPriority.Highest), random.Next(1, LongestQuantum + 1), 1,
        random.Next(1, 9), random.Next(2) == 0 ? 0.5 : double.PositiveInfinity);
}
