using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Questions;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Execution;

/// <summary>Where slots get their next task and others leave work for them. Every member is thread-safe.</summary>
internal sealed class JobBoard(
    LiveJobs live, SlotChoice choice, CheckpointWriter checkpoints, LiveDiagnostics diagnostics, JobEventHub hub, TimeProvider clock,
    IOptions<WorkerOptions> options, IOptions<JobLimitsOptions> limits)
{
    private readonly List<SlotState> _slots = [];

    public object Gate => live.Gate;

    public bool IsStopping => live.Stopping;

    public QuestionQueue Questions { get; } = new();

    /// <value>Whether some slot can reach the device, or has not tried yet.</value>
    public bool HasDevice { get; private set; } = true;

    /// <value>Whether every slot is at work and has its device.</value>
    public bool IsReady
    {
        get
        {
            lock (Gate)
                return !IsStopping && _slots.Count > 0 && _slots.All(slot => slot.IsBound);
        }
    }

    public SlotState AddSlot()
    {
        lock (Gate)
        {
            var slot = new SlotState(_slots.Count, clock);
            _slots.Add(slot);
            live.Slots = _slots.Count;
            return slot;
        }
    }

    public void SetBound(SlotState slot, bool bound)
    {
        lock (Gate)
        {
            slot.IsBound = bound;
            HasDevice = _slots.Any(other => other.IsBound);
            if (HasDevice)
                return;
            foreach (PendingQuestion question in Questions.Take(int.MaxValue))
                question.Complete(QuestionDispatcher.DeviceLost);
        }
    }

    public void Add(LiveJob job)
    {
        lock (Gate)
        {
            live.Add(job);
            hub.Publish(live.Snapshot(job));
            Monitor.PulseAll(Gate);
        }
    }

    /// <summary>Closes the job's begun blocks where they are and drops the others. The caller holds the gate and tries to end the job.</summary>
    public void StopNow(LiveJob job, StopReason reason)
    {
        job.StopHere(reason);
        WakeFor(job);
    }

    /// <summary>No new tasks: slots finish their quantum and leave.</summary>
    public void Stop()
    {
        lock (Gate)
        {
            live.Stop();
            foreach (SlotState slot in _slots)
                slot.Budget.RequestYield();
            foreach (PendingQuestion question in Questions.Take(int.MaxValue))
                question.Complete(QuestionDispatcher.ShuttingDown);
            Monitor.PulseAll(Gate);
        }
    }

    /// <summary>A slot that waits takes the questions; else one in a quantum ends it at the next step. The caller holds the gate.</summary>
    public void WakeForQuestion()
    {
        if (_slots.Any(slot => slot.IsWaiting))
            Monitor.PulseAll(Gate);
        else
            _slots.Find(slot => slot.IsInQuantum)?.Budget.RequestYield();
    }

    /// <summary>Slots that hold a block of the job come to their next boundary. The caller holds the gate.</summary>
    public void WakeFor(LiveJob job)
    {
        foreach (SlotState slot in _slots.Where(slot => slot.Open.Exists(block => block.Job == job)))
            slot.Budget.RequestYield();
        Monitor.PulseAll(Gate);
    }

    /// <summary>Starts the slot's clock; what arrived since it got its task shortens the quantum to one step.</summary>
    public QuantumOrder BeginQuantum(SlotState slot, LiveBlock block)
    {
        LiveJob job = block.Job;
        lock (Gate)
        {
            bool wantsSeries = MayReachBarrier(block) | diagnostics.Wants(block);
            slot.Budget.Start(TimeSpan.FromMilliseconds(options.Value.QuantumMilliseconds), job.StepLimit, wantsSeries);
            slot.IsInQuantum = true;
            if (IsStopping || Questions.Count > 0 || !job.IsRunnable)
                slot.Budget.RequestYield();
            return new QuantumOrder(job.StopStep ?? int.MaxValue, checkpoints.IsDue(block), wantsSeries);
        }
    }

    // Draws are copied; far from the barrier nobody needs them.
    private static bool MayReachBarrier(LiveBlock block) =>
        block.Job.Barrier is { } barrier && (long)block.Step + 2L * block.QuantumSteps + 1 >= Math.Min(barrier.Next, block.Job.StepLimit);

    public void EndQuantum(SlotState slot)
    {
        lock (Gate)
            slot.IsInQuantum = false;
    }

    /// <summary>The slot's next task; waits without polling while there is none.</summary>
    /// <remarks>
    /// 1. stop; 2. questions, but a step of a block between two batches; 3. cancels and failures that arrived meanwhile; 4. a block for a
    /// slot that idles; 5. the scheduler's choice.
    /// </remarks>
    public SlotTask Next(SlotState slot)
    {
        lock (Gate)
        {
            while (!IsStopping)
            {
                if (!slot.JustAnswered && Questions.Count > 0)
                    return TakeQuestions(slot);
                slot.JustAnswered = false;
                if (choice.Find(slot) is { } task)
                    return task;
                if (Questions.Count > 0)
                    return TakeQuestions(slot);
                AskToShare(slot);
                slot.IsWaiting = true;
                Monitor.Wait(Gate);
                slot.IsWaiting = false;
            }
            return new StopTask();
        }
    }

    private AnswerTask TakeQuestions(SlotState slot)
    {
        slot.JustAnswered = true;
        return new AnswerTask(Questions.Take(limits.Value.MaxQuestionRows));
    }

    private void AskToShare(SlotState idle)
    {
        SlotState? busiest = _slots.Where(slot => slot != idle).MaxBy(slot => slot.Sharable);
        if (busiest is { Sharable: > 1, IsAskedToShare: false })
            busiest.IsAskedToShare = true;
    }
}
