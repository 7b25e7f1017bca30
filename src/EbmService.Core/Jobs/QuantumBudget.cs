namespace EbmService.Core.Jobs;

/// <summary>
/// The time one quantum may take. Owned by a slot and reused. A workload asks <see cref="IsSpent"/> after each step; how
/// many steps that allows never changes what a chain computes.
/// </summary>
public sealed class QuantumBudget(TimeProvider clock)
{
    private long _deadline;
    private volatile bool _yield;

    /// <summary>Begins a quantum of that length.</summary>
    public void Start(TimeSpan length)
    {
        _yield = false;
        _deadline = clock.GetTimestamp() + (long)(length.TotalSeconds * clock.TimestampFrequency);
    }

    /// <summary>Ends the quantum at the next step; from any thread: a short question or a cancel is waiting.</summary>
    public void RequestYield() => _yield = true;

    /// <value>Whether the workload should return.</value>
    public bool IsSpent => _yield || clock.GetTimestamp() >= _deadline;
}
