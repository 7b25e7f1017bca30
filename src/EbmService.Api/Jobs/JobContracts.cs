using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Api.Jobs;

/// <summary>A job to create. All but <c>model</c> has a default; unknown members are refused.</summary>
public sealed record CreateJobRequest
{
    public JobType? Type { get; init; }

    /// <value><c>name</c> for the newest ready version, or <c>name/version</c>.</value>
    public string? Model { get; init; }

    public SamplingRequest? Spec { get; init; }

    /// <value>-10 to 10, 0 by default; higher runs first.</value>
    public int? Priority { get; init; }

    /// <value>Up to 16 words of up to 64 characters, kept with the job.</value>
    public IReadOnlyList<string>? Tags { get; init; }
}

/// <summary>A job as the service knows it.</summary>
public sealed record JobResponse
{
    public required string Id { get; init; }

    public required JobType Type { get; init; }

    public required JobStatus Status { get; init; }

    public required ModelReference Model { get; init; }

    /// <value>Every default filled in; sent again, it gives the same bits.</value>
    public required SamplingSpec Spec { get; init; }

    public required int Priority { get; init; }

    public required IReadOnlyList<string> Tags { get; init; }

    /// <value>Whose share of the device the job counts against, from the header X-Tenant.</value>
    public required string Tenant { get; init; }

    /// <value>The job whose chains this one goes on from; null where it began on its own.</value>
    public required string? Extends { get; init; }

    /// <value>Why the chains stopped; null before the end and where the job failed.</value>
    public required StopReason? StopReason { get; init; }

    public required JobProgress Progress { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset? StartedAt { get; init; }

    public required DateTimeOffset? FinishedAt { get; init; }

    /// <value>1 for the first run.</value>
    public required int Attempt { get; init; }

    public required JobError? Error { get; init; }

    public required IReadOnlyList<JobResultResponse> Results { get; init; }

    public required JobLinks Links { get; init; }
}

/// <summary>Why a job failed and what to do.</summary>
public sealed record JobError(string Code, string Message, string Remedy);

/// <summary>Where to go from a job; null where its state does not allow it.</summary>
/// <param name="Cancel">POST; until it has ended.</param>
/// <param name="Pause">POST; while it is queued or running.</param>
/// <param name="Resume">POST; while it is paused.</param>
/// <param name="Extend">POST; once it has succeeded.</param>
public sealed record JobLinks(string Self, string Events, string Results, string? Cancel, string? Pause, string? Resume, string? Extend);

/// <summary>How much longer the chains of a job that has succeeded shall go on.</summary>
public sealed record ExtendJobRequest
{
    /// <value>Steps to add to every chain, at least 1.</value>
    public required int Steps { get; init; }
}

/// <summary>One result file.</summary>
public sealed record JobResultResponse(string Name, string MediaType, long Size, string Sha256, string Href);

/// <summary>A page of jobs, newest first; <c>nextCursor</c> is null on the last.</summary>
public sealed record JobListResponse(IReadOnlyList<JobResponse> Jobs, string? NextCursor);

/// <summary>The result files of a job.</summary>
public sealed record JobResultsResponse(IReadOnlyList<JobResultResponse> Results);
