using EbmService.Core.Jobs;

namespace EbmService.Client;

/// <summary>How a job is created.</summary>
public sealed record JobOptions
{
    /// <value>
    /// Unique to this job: requests of one key make one job, also over retries and restarts of this program. A new one for each call by
    /// default.
    /// </value>
    public string? IdempotencyKey { get; init; }

    /// <value>How long the answer may wait for the job's end, up to a minute; it does not wait by default.</value>
    public TimeSpan? Wait { get; init; }
}

/// <summary>Which jobs to list; all by default.</summary>
public sealed record JobQuery
{
    public JobStatus? Status { get; init; }

    public string? Model { get; init; }

    public string? Type { get; init; }

    /// <value>Jobs per page, 1 to 200; 50 by default.</value>
    public int? Limit { get; init; }

    /// <value>Of the page before.</value>
    public string? Cursor { get; init; }
}

/// <summary>What callers ask of a job's answer.</summary>
public static class JobResponseExtensions
{
    /// <summary>The job, where it has succeeded.</summary>
    /// <exception cref="EbmException">It has failed, and why; or it was cancelled, or has not ended.</exception>
    public static JobResponse EnsureSucceeded(this JobResponse job) => job switch
    {
        { Status: JobStatus.Succeeded } => job,
        { Error: { } error } => throw new EbmException(error.Code, 0, "The job has failed.", $"Job {job.Id} has failed: {error.Message}")
        {
            Remedy = error.Remedy,
        },
        { Status: JobStatus.Cancelled } => throw new EbmException("cancelled", 0, "The job was cancelled.", $"Job {job.Id} was cancelled."),
        _ => throw new EbmException("notEnded", 0, "The job has not succeeded.", $"Job {job.Id} has not succeeded: it is {job.Status}."),
    };
}
