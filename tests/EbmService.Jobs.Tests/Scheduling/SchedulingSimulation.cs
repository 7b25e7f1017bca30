using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>How a simulated worker is set.</summary>
/// <param name="Parked">Blocks that may be parked before rotation stops.</param>
internal sealed record SimulationSetup(
    int Slots = 1, int Places = 2, int Turn = 5, double Ageing = 60, double Margin = 1, int Parked = int.MaxValue);

/// <summary>One decision, with all that it was taken from.</summary>
internal sealed record SimulatedDecision(JobCandidate[] Jobs, SlotView Slot, SchedulingDecision Decision);

/// <summary>Virtual slots in virtual time, which drive scheduler and fair clock as SlotChoice does.</summary>
internal sealed class SchedulingSimulation
{
    /// <value>Seconds until a slot without work looks again.</value>
    private const double Idle = 0.02;

    private readonly SimulationSetup _setup;
    private readonly FairClock _clock;
    private readonly SimulatedSlot[] _slots;
    private readonly List<SimulatedJob> _jobs = [];
    private double _rate;
    private int _number;

    public SchedulingSimulation(SimulationSetup setup)
    {
        _setup = setup;
        _clock = new FairClock(setup.Turn);
        _slots = [.. Enumerable.Range(0, setup.Slots).Select(index => new SimulatedSlot(index))];
    }

    public double Now { get; private set; }

    public IReadOnlyList<SimulatedJob> Jobs => _jobs;

    public Action<SimulatedDecision>? OnDecision { get; set; }

    /// <value>Called when a quantum has ended, with the milliseconds of slot time that it took.</value>
    public Action<SimulatedJob, long>? OnServed { get; set; }

    private RankingView View => new(Now, _setup.Ageing, _setup.Margin, _rate > 0 ? _rate : null, _setup.Slots);

    private bool MayRotate => _jobs.Sum(job => (long)job.Waiting.Count(left => left < job.Shape.Quanta)) < _setup.Parked;

    public SimulatedJob Submit(JobShape shape)
    {
        TenantShare? tenant = _clock.Find(shape.Priority, shape.Tenant);
        SimulatedJob[] others = [.. _jobs.Where(job => job.Share.Tenant == tenant)];
        TenantActivity activity = others.Length == 0 ? TenantActivity.Idle
            : others.Any(job => job.Waiting.Count > 0) ? TenantActivity.Waiting : TenantActivity.Served;
        var job = new SimulatedJob(
            _number++, shape, _clock.Enter(shape.Priority, shape.Tenant, activity, Now, Now + shape.DeadlineSeconds), Now);
        _jobs.Add(job);
        foreach (SimulatedJob sibling in others.Append(job))
            sibling.Siblings = Math.Max(sibling.Siblings, others.Length + 1);
        return job;
    }

    /// <summary>The next slot that is free ends its quantum and begins another.</summary>
    public void Turn()
    {
        SimulatedSlot slot = _slots.MinBy(slot => slot.FreeAt)!;
        Now = slot.FreeAt;
        EndQuantum(slot);
        slot.FreeAt = Now + Idle;
        if (slot.IsAskedToShare && slot.Open.Count > 1)
            Park(slot, slot.Open.OrderBy(block => block.Job.Rank(View), Comparer<JobRank>.Create((a, b) => JobRank.Compare(a, b))).Last());
        slot.IsAskedToShare = false;
        while (Decide(slot) is { Action: SchedulingAction.Park } park)
            Park(slot, slot.Open.Single(block => block.Job == _jobs[park.Job]));
    }

    private SchedulingDecision Decide(SimulatedSlot slot)
    {
        RankingView ranking = View;
        JobCandidate[] jobs = [.. _jobs.Select((job, index) =>
        {
            SimulatedBlock? open = slot.Open.Find(block => block.Job == job);
            return new JobCandidate(index, job.Rank(ranking), job.Model, job.Waiting.Count > 0, open is not null, open?.Quanta ?? 0);
        })];
        var view = new SlotView(_setup.Places, _setup.Turn, MayRotate, slot.LastModel);
        SchedulingDecision decision = JobScheduler.Choose(jobs, view);
        OnDecision?.Invoke(new(jobs, view, decision));
        if (decision.Action == SchedulingAction.Idle)
            AskToShare(slot);
        else if (decision.Action != SchedulingAction.Park)
            BeginQuantum(slot, _jobs[decision.Job], jobs[decision.Job].Rank.IsAged);
        return decision;
    }

    private void BeginQuantum(SimulatedSlot slot, SimulatedJob job, bool byAgeing)
    {
        SimulatedBlock? block = slot.Open.Find(open => open.Job == job);
        if (block is null)
        {
            block = new SimulatedBlock(job, job.Waiting.First!.Value);
            job.Waiting.RemoveFirst();
            slot.Open.Add(block);
        }
        _clock.Serve(job.Share, byAgeing, Now);
        (job.LastServed, job.Siblings) = (Now, job.Share.Tenant.Jobs);
        (slot.Running, slot.LastModel, slot.FreeAt) = (block, job.Model, Now + job.Shape.Milliseconds / 1000.0);
        block.Quanta++;
    }

    private void EndQuantum(SimulatedSlot slot)
    {
        if (slot.Running is not { } block)
            return;
        SimulatedJob job = block.Job;
        slot.Running = null;
        job.Share.Charge(TimeSpan.FromMilliseconds(job.Shape.Milliseconds), job.Shape.Work);
        job.Served += job.Shape.Milliseconds;
        job.QuantaLeft--;
        _rate = 1000.0 * job.Shape.Work / job.Shape.Milliseconds;
        OnServed?.Invoke(job, job.Shape.Milliseconds);
        if (--block.Left > 0)
            return;
        slot.Open.Remove(block);
        if (--job.BlocksLeft > 0)
            return;
        _clock.Leave(job.Share);
        _jobs.Remove(job);
    }

    private static void Park(SimulatedSlot slot, SimulatedBlock block)
    {
        slot.Open.Remove(block);
        block.Job.Waiting.AddFirst(block.Left);
    }

    private void AskToShare(SimulatedSlot idle)
    {
        if (_slots.Where(slot => slot != idle).MaxBy(slot => slot.Open.Count) is { Open.Count: > 1 } busiest)
            busiest.IsAskedToShare = true;
    }
}
