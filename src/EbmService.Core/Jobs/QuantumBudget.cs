namespace EbmService.Core.Jobs;

/// <summary>
/// The time one quantum may take and the step it may not pass. Owned by a slot and reused. A workload asks <see cref="IsSpent"/> after each
/// step and, where steps are long, within them; where it was spent never changes what a chain computes.
/// </summary>
public sealed class QuantumBudget(TimeProvider clock)
{
    private long _deadline;
    private volatile bool _yield;

    /// <value>The workload returns when it has done this many steps in all, as if the time were over.</value>
    public int StepLimit { get; private set; } = int.MaxValue;

    /// <value>The report of this quantum should carry the block's statistics so far.</value>
    public bool WantsStatistics { get; private set; }

    /// <summary>Begins a quantum of that length.</summary>
    public void Start(TimeSpan length, int stepLimit = int.MaxValue, bool wantsStatistics = false)
    {
        _yield = false;
        StepLimit = stepLimit;
        WantsStatistics = wantsStatistics;
        _deadline = clock.GetTimestamp() + (long)(length.TotalSeconds * clock.TimestampFrequency);
    }

    /// <summary>Ends the quantum as soon as the workload asks; from any thread: a short query or a cancel is waiting.</summary>
    public void RequestYield() => _yield = true;

    /// <value>Whether the workload should return.</value>
    public bool IsSpent => _yield || clock.GetTimestamp() >= _deadline;
}
