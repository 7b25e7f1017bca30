namespace EbmService.Jobs.Execution;

/// <summary>
/// Where a job's blocks wait for each other so that its stop rules are judged at fixed step counts: at every multiple below the last step,
/// where there is nothing left to stop. Guarded by the gate.
/// </summary>
/// <param name="every">Steps from one barrier to the next.</param>
/// <param name="steps">The job's last step.</param>
internal sealed class StopBarrier(int every, int steps)
{
    private const int None = int.MaxValue;

    /// <value>The step that no block passes before the rules are judged there.</value>
    public int Next { get; private set; } = every < steps ? every : None;

    /// <value>Blocks that wait here without a place on a slot.</value>
    public List<LiveBlock> Parked { get; } = [];

    public bool IsJudging { get; set; }

    /// <summary>Puts the barrier where a job that is taken over or extended has it.</summary>
    /// <param name="furthest">The furthest block's step: whoever is past a barrier was let through it, whoever is at one may not have been.</param>
    public void Begin(int furthest)
    {
        long next = Math.Max(1L, (furthest + every - 1L) / every) * every;
        Next = next < steps ? (int)next : None;
    }

    /// <summary>Blocks wait for each other no more: where they stop is decided.</summary>
    public void End() => Next = None;

    public void Lift() => Next = Next < steps - every ? Next + every : None;
}
