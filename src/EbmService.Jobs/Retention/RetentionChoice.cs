namespace EbmService.Jobs.Retention;

/// <summary>A job that has ended, as far as it matters here.</summary>
/// <param name="Bytes">Its files and its record; 0 while they are not measured.</param>
internal readonly record struct RetainedJob(string Id, DateTimeOffset FinishedAt, bool Keep, long Bytes);

/// <summary>Why a job goes.</summary>
internal enum SweepReason
{
    Age,
    Bytes,
}

/// <summary>Which jobs go: a function of its arguments alone.</summary>
internal static class RetentionChoice
{
    /// <summary>By size no job goes that has just ended: whoever waited for it is fetching its results.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>
    /// 1. all whose age is over; 2. of the others the one that ended first, and the next, until what is left is within the limit. Kept ones neither go nor count.
    /// </summary>
    /// <returns>In the order in which they go.</returns>
    public static IReadOnlyList<(string Id, SweepReason Reason)> Choose(
        IReadOnlyCollection<RetainedJob> ended, DateTimeOffset now, TimeSpan? age, long? maxBytes)
    {
        List<(string, SweepReason)> chosen = [];
        long left = ended.Where(job => !job.Keep).Sum(job => job.Bytes);
        foreach (RetainedJob job in ended.Where(job => !job.Keep).OrderBy(job => job.FinishedAt).ThenBy(job => job.Id, StringComparer.Ordinal))
        {
            if (job.FinishedAt + age <= now)
                chosen.Add((job.Id, SweepReason.Age));
            else if (left > maxBytes && job.FinishedAt + Grace <= now)
                chosen.Add((job.Id, SweepReason.Bytes));
            else
                break;
            left -= job.Bytes;
        }
        return chosen;
    }
}
