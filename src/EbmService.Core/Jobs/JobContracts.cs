using System.Text.Json.Serialization;
namespace EbmService.Core.Jobs;

/// <summary>What requests for jobs of all types have in common.</summary>
public abstract record CreateJobRequest
{
    /// <value>What kind of work; sampling by default.</value>
    public string? Type { get; init; }

    /// <value>The model of a type that uses one: <c>name</c> for the newest ready version, or <c>name/version</c>.</value>
    public string? Model { get; init; }

    /// <value>In place of model: the models by the roles that the type gives them.</value>
    public IReadOnlyList<JobModelRequest>? Models { get; init; }

    /// <value>-10 to 10, 0 by default; higher runs first.</value>
    public int? Priority { get; init; }

    /// <value>Up to 16 words of up to 64 characters, kept with the job.</value>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <value>Whether the job and its results stay once it has ended, whatever the service's retention settings say; false by default.</value>
    public bool? Keep { get; init; }

    /// <summary>The member <c>spec</c>, as its type reads it.</summary>
    public abstract object? ReadSpec();
}

/// <summary>A job to create. All but the model has a default; unknown members are refused.</summary>
public sealed record CreateJobRequest<TSpec> : CreateJobRequest
    where TSpec : class
{
    public TSpec? Spec { get; init; }

    public override object? ReadSpec() => Spec;
}

/// <summary>A model to use in a role.</summary>
public sealed record JobModelRequest
{
    /// <value>One of the type's roles; <c>model</c> by default.</value>
    public string? Role { get; init; }

    public required string Name { get; init; }

    /// <value>The newest ready version by default.</value>
    public string? Version { get; init; }

    /// <value>When given, the version must have this digest.</value>
    public string? Digest { get; init; }
}

/// <summary>A job as the service knows it.</summary>
public sealed record JobResponse
{
    public required string Id { get; init; }

    public required string Type { get; init; }

    public required JobStatus Status { get; init; }

    /// <value>The models that it uses, by role, pinned by their digests.</value>
    public required IReadOnlyList<JobModel> Models { get; init; }

    /// <value>Every default filled in; sent again, it gives the same bits.</value>
    public required JobSpec Spec { get; init; }

    public required int Priority { get; init; }

    public required IReadOnlyList<string> Tags { get; init; }

    /// <value>Whose share of the device the job counts against, from the header X-Tenant; where requests need a key, the key's tenant.</value>
    public required string Tenant { get; init; }

    /// <value>What looks wrong with the request though nothing forbids it, a sentence each; empty for most jobs.</value>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <value>The job whose work this one goes on from; null where it began on its own.</value>
    public required string? Extends { get; init; }

    /// <value>
    /// Why its blocks took no further step: completed, deadline, cancelled or the word of one of the type's stop rules;
    /// null before the end and where the job failed.
    /// </value>
    public required string? StopReason { get; init; }

    public required JobProgress Progress { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset? StartedAt { get; init; }

    public required DateTimeOffset? FinishedAt { get; init; }

    /// <value>1 for the first run.</value>
    public required int Attempt { get; init; }

    /// <value>Whether it stays once it has ended; PATCH changes it.</value>
    public bool Keep { get; init; }

    /// <value>From when it may be deleted with its results; null where it has not ended, is kept, or the service sets no age.</value>
    public DateTimeOffset? ExpiresAt { get; init; }

    public required JobError? Error { get; init; }

    public required IReadOnlyList<JobResultResponse> Results { get; init; }

    public required JobLinks Links { get; init; }

    /// <value>In what the hub sends: the place in the job's event log, so that what a new watch repeats can be told; left out elsewhere.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Sequence { get; init; }
}

/// <summary>Why a job failed and what to do.</summary>
public sealed record JobError(string Code, string Message, string Remedy);

/// <summary>Where to go from a job; null where its state does not allow it.</summary>
/// <param name="Cancel">POST; until it has ended.</param>
/// <param name="Pause">POST; while it is queued or running.</param>
/// <param name="Resume">POST; while it is paused.</param>
/// <param name="Extend">POST; once it has succeeded.</param>
public sealed record JobLinks(string Self, string Events, string Results, string? Cancel, string? Pause, string? Resume, string? Extend);

/// <summary>What of a job can be changed, at any time.</summary>
public sealed record ChangeJobRequest
{
    /// <value>Whether the job and its results stay once it has ended, whatever the service's retention settings say.</value>
    public required bool Keep { get; init; }
}

/// <summary>How much longer the work of a job that has succeeded shall go on.</summary>
public sealed record ExtendJobRequest
{
    /// <value>Steps to add to every block, at least 1; of a sampling job, to every chain.</value>
    public required int Steps { get; init; }
}

/// <summary>One result file.</summary>
public sealed record JobResultResponse(string Name, string MediaType, long Size, string Sha256, string Href);

/// <summary>A page of jobs, newest first; <c>nextCursor</c> is null on the last.</summary>
public sealed record JobListResponse(IReadOnlyList<JobResponse> Jobs, string? NextCursor);

/// <summary>The result files of a job.</summary>
public sealed record JobResultsResponse(IReadOnlyList<JobResultResponse> Results);

/// <summary>A job's progress, as the job shows it, with the job and the place in its event log.</summary>
public sealed record JobProgressMessage
{
    public required string JobId { get; init; }

    /// <value>Counts up per job; gaps show where progress was dropped.</value>
    public required long Sequence { get; init; }

    public required double Fraction { get; init; }

    public required long Done { get; init; }

    public required long Total { get; init; }

    public required string Unit { get; init; }

    public required double? RatePerSecond { get; init; }

    public required double? EtaSeconds { get; init; }

    public required int? QueuePosition { get; init; }

    public required IReadOnlyDictionary<string, double> Metrics { get; init; }
}

/// <summary>A preview picture in a server-sent event; <c>png</c> is base64.</summary>
public sealed record JobPreviewMessage(string JobId, int Step, byte[] Png);
