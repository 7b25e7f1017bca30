namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>A random worker under tenants <c>a</c> (few jobs) and <c>b</c> (many), which always have work, and others that come and go.</summary>
/// <param name="LargestQuantum">Milliseconds of the longest quantum.</param>
/// <param name="Guests">How many other tenants there are.</param>
internal sealed record Load(SimulationSetup Setup, int LargestQuantum, int JobsOfA, int JobsOfB, int Guests)
{
    public static Load Random(Random random, bool fewTenants)
    {
        int guests = random.Next(0, 4);
        int places = fewTenants ? guests + 2 + random.Next(3) : random.Next(1, 4);
        var setup = new SimulationSetup(random.Next(1, 4), places, random.Next(2, 8));
        return new(setup, random.Next(1, 200), random.Next(1, 4), random.Next(1, 51), guests);
    }

    /// <summary>One slot, for jobs of one block.</summary>
    public static Load Alone(Random random) => new(new SimulationSetup(1, random.Next(1, 5), random.Next(2, 8)), random.Next(1, 200), 1, 1, 0);

    public void Run(SchedulingSimulation simulation, Random random, int turns, Action afterTurn)
    {
        for (int turn = 0; turn < turns; turn++)
        {
            Refill(simulation, random, "a", JobsOfA);
            Refill(simulation, random, "b", JobsOfB);
            for (int guest = 0; guest < Guests; guest++)
            {
                if (random.Next(200) == 0)
                    simulation.Submit(Shape(random, $"guest {guest}"));
            }
            simulation.Turn();
            afterTurn();
        }
    }

    private void Refill(SchedulingSimulation simulation, Random random, string tenant, int jobs)
    {
        SimulatedJob[] mine = [.. simulation.Jobs.Where(job => job.Shape.Tenant == tenant)];
        for (int missing = jobs - mine.Length; missing > 0; missing--)
            simulation.Submit(Shape(random, tenant));
        // A last block on one slot leaves the others nothing of this tenant: it would not be backlogged any more.
        if (mine.Length >= jobs && mine.Sum(job => job.Waiting.Count) < Setup.Slots)
            simulation.Submit(Shape(random, tenant));
    }

    // More blocks than slots, so that one job alone can use its tenant's share.
    private JobShape Shape(Random random, string tenant) => new(
        tenant, 0, random.Next(1, LargestQuantum + 1), Setup.Slots + random.Next(1, 6), random.Next(1, 40), Model: random.Next(2) == 0 ? "m" : "n",
        Work: random.Next(1, 10_000));
}
