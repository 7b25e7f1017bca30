namespace EbmService.Jobs.Scheduling;

/// <summary>When a full queue is worth another try.</summary>
internal static class QueueEstimate
{
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(300);
    public static readonly TimeSpan Unknown = TimeSpan.FromSeconds(10);

    /// <summary>The slot time left, over the slots and within bounds; a fixed guess while nothing was measured.</summary>
    /// <param name="slotSeconds">Of each job that has not ended; null where nothing was measured.</param>
    /// <param name="slots">How many there are.</param>
    public static TimeSpan RetryAfter(IEnumerable<double?> slotSeconds, int slots)
    {
        double[] known = [.. slotSeconds.OfType<double>()];
        if (known.Length == 0)
            return Unknown;
        double seconds = Math.Ceiling(known.Sum() / Math.Max(1, slots));
        return TimeSpan.FromSeconds(Math.Clamp(seconds, Shortest.TotalSeconds, Longest.TotalSeconds));
    }
}
