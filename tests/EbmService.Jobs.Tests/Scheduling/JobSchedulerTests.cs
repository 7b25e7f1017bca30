using EbmService.Core.Models;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

public sealed class JobSchedulerTests
{
    private static readonly ModelKey Model = new("m", "1");
    private static readonly SlotView Slot = new(Places: 2, RotationQuanta: 5, MayRotate: true);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 200)];

    private static JobCandidate Job(int index, int priority = 0, long time = 0, bool waiting = true, bool open = false, int quanta = 0, string model = "m") =>
        new(index, priority, time, index, new(model, "1"), waiting, open, quanta);

    [Fact]
    public void Choose_NoJobs_Idles() => Assert.Equal(new(SchedulingAction.Idle, -1), JobScheduler.Choose([], Slot));

    [Fact]
    public void Choose_EqualJobs_TakesTheOldest() =>
        Assert.Equal(new(SchedulingAction.Open, 0), JobScheduler.Choose([Job(0), Job(1)], Slot));

    [Fact]
    public void Choose_LessConsumed_ComesBeforeAge() =>
        Assert.Equal(new(SchedulingAction.Open, 1), JobScheduler.Choose([Job(0, time: 2), Job(1, time: 1)], Slot));

    [Fact]
    public void Choose_EqualConsumption_PrefersTheModelAtHandToAge() => Assert.Equal(
        new(SchedulingAction.Open, 1), JobScheduler.Choose([Job(0, model: "other"), Job(1)], Slot with { LastModel = Model }));

    [Fact]
    public void Choose_HigherPriorityAndNoPlace_ParksTheWorstAtOnce() => Assert.Equal(
        new(SchedulingAction.Park, 1),
        JobScheduler.Choose([Job(0, open: true), Job(1, time: 9, open: true), Job(2, priority: 1, time: 99)], Slot));

    [Fact]
    public void Choose_EqualPriorityAndNoPlace_ParksOnlyAfterATurnAndOnlyWithMemory()
    {
        JobCandidate[] fresh = [Job(0, time: 5, open: true, quanta: 4), Job(1, time: 9, open: true, quanta: 4), Job(2)];
        JobCandidate[] served = [Job(0, time: 5, open: true, quanta: 5), Job(1, time: 9, open: true, quanta: 5), Job(2)];

        Assert.Equal(new(SchedulingAction.Continue, 0), JobScheduler.Choose(fresh, Slot));
        Assert.Equal(new(SchedulingAction.Park, 1), JobScheduler.Choose(served, Slot));
        Assert.Equal(new(SchedulingAction.Continue, 0), JobScheduler.Choose(served, Slot with { MayRotate = false }));
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Choose_AnyState_IsWorkConservingAndStrictInPriority(int seed)
    {
        var random = new Random(seed);
        int places = random.Next(1, 4);
        List<JobCandidate> jobs = [];
        for (int i = 0, open = 0; i < random.Next(0, 12); i++)
        {
            bool here = open < places && random.Next(3) == 0;
            open += here ? 1 : 0;
            jobs.Add(Job(i, random.Next(-2, 3), random.Next(10), random.Next(2) == 0, here, random.Next(10)));
        }
        var slot = new SlotView(places, 5, random.Next(2) == 0);
        SchedulingDecision decision = JobScheduler.Choose(jobs, slot);
        List<JobCandidate> able = [.. jobs.Where(job => job.HasWaiting || job.OpenHere)];

        Assert.Equal(able.Count == 0, decision.Action == SchedulingAction.Idle);
        if (able.Count == 0)
            return;
        int top = able.Max(job => job.Priority);
        JobCandidate chosen = jobs[decision.Job];
        Assert.True(decision.Action == SchedulingAction.Park ? chosen.OpenHere : chosen.Priority == top, "only the highest priority runs");
        Assert.True(decision.Action != SchedulingAction.Open || (chosen.HasWaiting && jobs.Count(job => job.OpenHere) < places));
        Assert.True(decision.Action != SchedulingAction.Continue || chosen.OpenHere);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(6, 2)]
    [InlineData(20, 4)]
    public void Simulation_EqualJobs_NoneStarvesAndTheLagIsBounded(int count, int places)
    {
        var simulation = new SlotSimulation(count, new SlotView(places, RotationQuanta: 5, MayRotate: true));
        for (int turn = 0; turn < 5000; turn++)
            simulation.Turn();

        // A place is held for at most 5 quanta while another has had less; jobs therefore stay within one round of turns.
        Assert.True(simulation.Consumed.Min() > 0);
        Assert.InRange(simulation.Consumed.Max() - simulation.Consumed.Min(), 0, 5 * (places + 1));
    }

    [Fact]
    public void Simulation_Newcomer_GetsItsShareButNoMore()
    {
        var simulation = new SlotSimulation(1, Slot);
        for (int turn = 0; turn < 1000; turn++)
            simulation.Turn();
        simulation.AddJob();
        long before = simulation.Consumed[0];
        for (int turn = 0; turn < 100; turn++)
            simulation.Turn();

        Assert.InRange(simulation.Consumed[0] - before, 45, 55);
        Assert.InRange(simulation.Consumed[1], 45, 55);
    }

    /// <summary>One slot, endless single-block jobs, one chain-step a quantum.</summary>
    private sealed class SlotSimulation
    {
        private readonly SlotView _slot;
        private readonly FairClock _clock = new();
        private readonly List<JobCandidate> _jobs = [];

        public SlotSimulation(int count, SlotView slot)
        {
            _slot = slot;
            for (int i = 0; i < count; i++)
                AddJob();
        }

        public List<long> Consumed { get; } = [];

        public void AddJob()
        {
            _jobs.Add(Job(_jobs.Count, time: _clock.Enter(0)));
            Consumed.Add(0);
        }

        public void Turn()
        {
            SchedulingDecision decision = JobScheduler.Choose(_jobs, _slot);
            Assert.NotEqual(SchedulingAction.Idle, decision.Action);
            JobCandidate job = _jobs[decision.Job];
            if (decision.Action == SchedulingAction.Park)
            {
                _jobs[decision.Job] = job with { OpenHere = false, HasWaiting = true };
                return;
            }
            int quanta = decision.Action == SchedulingAction.Open ? 1 : job.QuantaSinceOpen + 1;
            _clock.Serve(0, job.VirtualTime);
            _jobs[decision.Job] = job with { OpenHere = true, HasWaiting = false, QuantaSinceOpen = quanta, VirtualTime = job.VirtualTime + 1 };
            Consumed[decision.Job]++;
        }
    }
}
