using EbmService.Core.Failures;

namespace EbmService.Jobs.Storage;

/// <summary>What clients are told when the disk or the database refuses.</summary>
internal static class StorageFailures
{
    public static Failure OfJob { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so the job's chains and results could not be kept.",
        "Ask the operator to make room on the server's disk, then submit the job again: the same seed gives the same result.");

    public static Failure OfRequest { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so nothing was changed.",
        "Ask the operator to make room on the server's disk, or delete jobs that have ended, then send the request again.");

    /// <value>For a request that the database did not take.</value>
    public static Failure Busy { get; } = new(FailureCode.StorageBusy,
        "Another program holds the server's job database, so nothing was read or changed.",
        "Send the request again after the time in Retry-After. The operator: end the program that holds jobs.db, for example a backup or a database browser.");

    /// <value>For a cancel, pause or resume that is under way but not in the database yet.</value>
    public static Failure BusyUnderWay { get; } = new(FailureCode.StorageBusy,
        "Another program holds the server's job database: what was asked for is under way but not stored yet.",
        "Send the request again after the time in Retry-After: it does no harm twice.");
}
