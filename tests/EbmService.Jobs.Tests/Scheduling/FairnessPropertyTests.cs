using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>Shares over time, in simulations of random workers and loads.</summary>
public sealed class FairnessPropertyTests
{
    private const int Cases = 300;
    private const int Turns = 1000;

    /// <summary>
    /// Two tenants that always have work, one job against up to 50, other tenants coming and going, every job with quanta of its own length that
    /// do any amount of work: the slot time that they got differs by at most 4 of the largest quanta per slot, as long as every tenant can have a place.
    /// </summary>
    [Fact]
    public void TwoTenants_AlwaysBacklogged_LagIsAFewQuanta() => Property.ForAll(Cases, random => Load.Random(random, fewTenants: true), (load, random) =>
    {
        AssertLag(load, random, 4 * load.LargestQuantum * load.Setup.Slots);
    });

    /// <summary>With more tenants than places a place is kept for a turn, and the bound is two rounds of turns.</summary>
    [Fact]
    public void TwoTenants_MoreTenantsThanPlaces_LagIsTwoRoundsOfTurns() => Property.ForAll(Cases, random => Load.Random(random, fewTenants: false), (load, random) =>
    {
        AssertLag(load, random, 2 * load.LargestQuantum * load.Setup.Slots * (load.Setup.Places * load.Setup.Turn + 2));
    });

    /// <summary>A tenant that was away, or had it alone for long, shares equally from its return on.</summary>
    [Fact]
    public void ReturnFromIdle_AnyHistory_NeitherPunishedNorOwed() => Property.ForAll(Cases, Load.Alone, (load, random) =>
    {
        var simulation = new SchedulingSimulation(load.Setup);
        SimulatedJob first = simulation.Submit(new("a", Milliseconds: load.LargestQuantum));
        for (int turn = random.Next(2000); turn > 0; turn--)
            simulation.Turn();
        SimulatedJob second = simulation.Submit(new("b", Milliseconds: random.Next(1, load.LargestQuantum + 1)));
        long before = first.Served;
        int bound = 2 * load.LargestQuantum * (load.Setup.Places == 1 ? load.Setup.Turn + 2 : 2);
        for (int turn = 0; turn < Turns; turn++)
        {
            simulation.Turn();
            Assert.InRange(first.Served - before - second.Served, -bound, bound);
        }
    });

    [Fact]
    public void JobsOfOneTenant_AnyCosts_ShareItsPartEqually() => Property.ForAll(Cases, Load.Alone, (load, random) =>
    {
        var simulation = new SchedulingSimulation(load.Setup);
        SimulatedJob[] jobs = [.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => simulation.Submit(new("a", Milliseconds: random.Next(1, load.LargestQuantum + 1))))];
        simulation.Submit(new("b"));
        int bound = 2 * load.LargestQuantum * (load.Setup.Places * load.Setup.Turn + 2);
        for (int turn = 0; turn < Turns; turn++)
        {
            simulation.Turn();
            Assert.InRange(jobs.Max(job => job.Served) - jobs.Min(job => job.Served), 0, bound);
        }
    });

    [Fact]
    public void Simulation_SameCase_TakesTheSameDecisions() => Property.ForAll(50, random => random.Next(), (seed, _) =>
        Assert.Equal(Decisions(seed), Decisions(seed)));

    private static List<SchedulingDecision> Decisions(int seed)
    {
        var random = new Random(seed);
        Load load = Load.Random(random, fewTenants: false);
        var simulation = new SchedulingSimulation(load.Setup);
        List<SchedulingDecision> taken = [];
        simulation.OnDecision = decision => taken.Add(decision.Decision);
        load.Run(simulation, random, 300, () => { });
        return taken;
    }

    private static void AssertLag(Load load, Random random, int bound)
    {
        var simulation = new SchedulingSimulation(load.Setup);
        long lag = 0, lowest = 0, highest = 0;
        simulation.OnServed = (job, milliseconds) => lag += job.Shape.Tenant switch { "a" => milliseconds, "b" => -milliseconds, _ => 0 };
        simulation.OnDecision = decision => new DecisionCase(decision.Jobs, decision.Slot).AssertAll();
        load.Run(simulation, random, Turns, () =>
        {
            (lowest, highest) = (Math.Min(lowest, lag), Math.Max(highest, lag));
            Assert.True(highest - lowest <= bound, $"at {simulation.Now:F2} s the lag spans {highest - lowest} ms, more than {bound}");
        });
        Assert.True(simulation.Jobs.Count > 0);
    }
}
