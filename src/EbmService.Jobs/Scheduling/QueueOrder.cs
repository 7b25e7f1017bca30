namespace EbmService.Jobs.Scheduling;

/// <summary>
/// In which order queued jobs will begin, as far as that can be told: by rank, each job of a tenant taken to cost it one quantum
/// before its next job's turn, so that a tenant's only job isn't shown behind all of another's. A pure function.
/// </summary>
internal static class QueueOrder
{
    /// <param name="ranks">The queued jobs' ranks.</param>
    /// <param name="quanta">Slot time of a quantum of each, in ticks.</param>
    /// <returns>For each the place, from 1.</returns>
    public static int[] Positions(JobRank[] ranks, long[] quanta)
    {
        int[] order = [.. Enumerable.Range(0, ranks.Length)];
        Array.Sort(order, (a, b) => JobRank.Compare(ranks[a], ranks[b]));
        var ahead = new Dictionary<int, int>();
        var begin = new JobRank[ranks.Length];
        foreach (int job in order)
        {
            int before = ahead.GetValueOrDefault(ranks[job].Tenant);
            ahead[ranks[job].Tenant] = before + 1;
            begin[job] = ranks[job] with { TenantTime = ranks[job].TenantTime + before * Math.Max(1, quanta[job]) };
        }
        Array.Sort(order, (a, b) => JobRank.Compare(begin[a], begin[b]));
        var positions = new int[ranks.Length];
        for (int place = 0; place < order.Length; place++)
            positions[order[place]] = place + 1;
        return positions;
    }
}

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
