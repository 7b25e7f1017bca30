namespace EbmService.Jobs.Scheduling;

/// <summary>When a full queue is worth another try.</summary>
internal static class QueueEstimate
{
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(300);
    public static readonly TimeSpan Unknown = TimeSpan.FromSeconds(10);

    /// <summary>Remaining work over the recent rate, within bounds; a fixed guess while nothing was measured.</summary>
    public static TimeSpan RetryAfter(long remainingChainSteps, double? chainStepsPerSecond)
    {
        if (chainStepsPerSecond is not > 0)
            return Unknown;
        double seconds = Math.Ceiling(remainingChainSteps / chainStepsPerSecond.Value);
        return TimeSpan.FromSeconds(Math.Clamp(seconds, Shortest.TotalSeconds, Longest.TotalSeconds));
    }
}
