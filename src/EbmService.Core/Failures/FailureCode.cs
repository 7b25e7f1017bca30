namespace EbmService.Core.Failures;

/// <summary>Every way a request or a job can fail. One table in the Api maps a code to a status and a problem type.</summary>
public enum FailureCode
{
    /// <summary>Malformed or out of range; carries field errors. 400.</summary>
    InvalidRequest,

    /// <summary>No model of that name. 404.</summary>
    ModelNotFound,

    /// <summary>The model has no such version. 404.</summary>
    VersionNotFound,

    /// <summary>No job of that id. 404.</summary>
    JobNotFound,

    /// <summary>The job has no result of that name. 404.</summary>
    ResultNotFound,

    /// <summary>No dataset of that name. 404.</summary>
    DatasetNotFound,

    /// <summary>The job's state does not allow the transition. 409.</summary>
    InvalidTransition,

    /// <summary>The model has a version of that name, and versions never change. 409.</summary>
    VersionExists,

    /// <summary>A dataset of that name has other rows, and datasets never change. 409.</summary>
    DatasetExists,

    /// <summary>A job that has not ended uses the dataset. 409.</summary>
    DatasetInUse,

    /// <summary>The first request with this idempotency key is still in flight. 409.</summary>
    IdempotencyInFlight,

    /// <summary>The idempotency key was used with another body. 422.</summary>
    IdempotencyMismatch,

    /// <summary>The body is over the limit, also after inflation. 413.</summary>
    BodyTooLarge,

    /// <summary>The body came too slowly, or not at all. 408.</summary>
    BodyTooSlow,

    /// <summary>The body's media type is not one the operation reads. 415.</summary>
    UnsupportedMediaType,

    /// <summary>The server's configuration does not allow the operation. 403.</summary>
    NotAllowed,

    /// <summary>No key or token, or one that is not valid. 401.</summary>
    Unauthenticated,

    /// <summary>The key or token is valid but does not cover this: a scope is missing, or it belongs to another tenant. 403.</summary>
    Forbidden,

    /// <summary>The tenant is over its quota of requests, jobs or bytes. 429.</summary>
    QuotaExceeded,

    /// <summary>The model can't do this task. 422.</summary>
    NotSupported,

    /// <summary>Well formed, but larger than this server's policy allows. 422.</summary>
    OverPolicy,

    /// <summary>The queue is full; try again after the stated time. 503.</summary>
    QueueFull,

    /// <summary>The model's files are missing or damaged; the others serve. 503.</summary>
    ModelUnavailable,

    /// <summary>The device stopped answering. 503.</summary>
    DeviceLost,

    /// <summary>The server is shutting down. 503.</summary>
    ShuttingDown,

    /// <summary>The job's deadline passed before any of its blocks had a step. A job's failure.</summary>
    DeadlineExceeded,

    /// <summary>The job's process ended abruptly several times while it ran, without a newer checkpoint. A job's failure.</summary>
    ProcessLost,

    /// <summary>The computation left the finite numbers or its bounds. A job's failure, not a request's.</summary>
    Diverged,

    /// <summary>The disk is full or can't be written. 503 or a job's failure.</summary>
    StorageFailed,

    /// <summary>Another program holds the jobs database; try again after the stated time. 503.</summary>
    StorageBusy,

    /// <summary>The job's results would not fit on the disk. 507.</summary>
    InsufficientStorage,

    /// <summary>A defect of ours. 500.</summary>
    Internal,
}
