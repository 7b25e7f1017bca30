using EbmService.Core.Failures;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EbmService.Jobs.Storage;

/// <summary>What clients are told when the disk refuses.</summary>
internal static class StorageFailures
{
    public static Failure OfJob { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so the job's chains and results could not be kept.",
        "Ask the operator to make room on the server's disk, then submit the job again: the same seed gives the same result.");

    public static Failure OfRequest { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so nothing was changed.",
        "Ask the operator to make room on the server's disk, or delete jobs that have ended, then send the request again.");

    /// <summary>Whether the database could not write for its disk's sake.</summary>
    public static bool IsOfDisk(this SqliteException exception) => exception.SqliteErrorCode
        is raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN;
}
