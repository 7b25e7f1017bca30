using EbmService.Core.Jobs;

namespace EbmService.Jobs.Storage;

/// <summary>A job as the database keeps it. Documents (spec, tags, progress, error, results) are JSON text.</summary>
internal sealed class JobRow
{
    public required string Id { get; set; }

    public JobStatus Status { get; set; }

    /// <value>The job type's name.</value>
    public required string Type { get; set; }

    /// <value>The first model: what jobs are listed by. All of them are in <see cref="Models"/>.</value>
    public required string ModelName { get; set; }

    public required string ModelVersion { get; set; }

    public required string ModelDigest { get; set; }

    /// <value>The models by role; null in rows of earlier versions, whose jobs have one.</value>
    public string? Models { get; set; }

    public required string Spec { get; set; }

    public int Priority { get; set; }

    public required string Tags { get; set; }

    public string Tenant { get; set; } = JobSnapshot.DefaultTenant;

    /// <value>Null in rows of earlier versions and where there are none.</value>
    public string? Warnings { get; set; }

    /// <value>W3C traceparent of the request that made the job; null in rows of earlier versions and where there was none.</value>
    public string? TraceParent { get; set; }

    /// <value>The job whose work this one goes on from.</value>
    public string? Extends { get; set; }

    /// <value>Decided before the blocks are stopped, so that a process that takes the job over stops them at the same step.</value>
    public string? StopReason { get; set; }

    /// <value>The step at which a stop rule ends all blocks.</value>
    public int? StopStep { get; set; }

    public int Attempt { get; set; }

    /// <value>Units that were kept when the latest attempt began.</value>
    public long AttemptFrom { get; set; }

    /// <value>Attempts in a row that ended with their process and left no newer checkpoint.</value>
    public int FruitlessAttempts { get; set; }

    /// <value>Counts the processes that have held the job; leases and event numbers of an older one are stale.</value>
    public int Epoch { get; set; }

    /// <value>The number of the terminal event; 0 before.</value>
    public long LastSequence { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? StartedAt { get; set; }

    public DateTimeOffset? FinishedAt { get; set; }

    public required string Progress { get; set; }

    public string? Error { get; set; }

    public required string Results { get; set; }

    /// <value>Whether it stays whatever the retention settings say.</value>
    public bool Keep { get; set; }

    /// <value>Bytes of its files and its record, of a job that has ended; null while they are not counted.</value>
    public long? StoredBytes { get; set; }

    public List<BlockRow> Blocks { get; set; } = [];
}

internal enum BlockRowState
{
    Waiting,
    Done,
}

/// <summary>One block of a job. Written only by the holder of the lease whose epoch the row carries.</summary>
internal sealed class BlockRow
{
    public required string JobId { get; set; }

    public int Index { get; set; }

    /// <value>The job-wide index of its first item.</value>
    public int Offset { get; set; }

    /// <value>Its items.</value>
    public int Count { get; set; }

    public int Steps { get; set; }

    public BlockRowState State { get; set; }

    public int LeaseEpoch { get; set; }

    /// <value>Where the block began in this job, and once done where it ended.</value>
    public int Step { get; set; }

    /// <value>Steps at the last checkpoint that the lease's holder set out to write; which one is whole, the files tell.</value>
    public int CheckpointStep { get; set; }

    /// <value>Of the stored result of a done block, 64 hex digits.</value>
    public string? ResultSha256 { get; set; }
}

/// <summary>A client's Idempotency-Key and the job it made; lives as long as the job.</summary>
internal sealed class IdempotencyRow
{
    public required string Key { get; set; }

    public required string JobId { get; set; }

    public string? Fingerprint { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}

/// <summary>A key as the database keeps it: its hash, never its text.</summary>
internal sealed class ApiKeyRow
{
    public required string Id { get; set; }

    public required string Name { get; set; }

    public required string Tenant { get; set; }

    /// <value>Separated by blanks.</value>
    public required string Scopes { get; set; }

    /// <value>SHA-256 of the key's text, 64 hex digits.</value>
    public required string Hash { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}
