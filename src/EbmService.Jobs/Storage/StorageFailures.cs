using EbmService.Core.Failures;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EbmService.Jobs.Storage;

/// <summary>What clients are told when the disk or the database refuses.</summary>
internal static class StorageFailures
{
    public static Failure OfJob { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so the job's checkpoints and results could not be kept.",
        "Ask the operator to make room on the server's disk, then submit the job again.");

    public static Failure OfRequest { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so nothing was changed.",
        "Ask the operator to make room on the server's disk, or delete jobs that have ended, then send the request again.");

    /// <value>For a request that the database did not take.</value>
    public static Failure Busy { get; } = new(FailureCode.StorageBusy,
        "Another program holds the server's job database, so nothing was read or changed.",
        "Send the request again after the time in Retry-After. The operator: end the program that holds jobs.db, for "
        + "example a backup or a database browser.");

    /// <value>For a cancel, pause or resume that is under way but not in the database yet.</value>
    public static Failure BusyUnderWay { get; } = new(FailureCode.StorageBusy,
        "Another program holds the server's job database: what was asked for is under way but not stored yet.",
        "Send the request again after the time in Retry-After: it does no harm twice.");

    /// <value>For a cancel, pause or resume that is under way but that the disk refuses.</value>
    public static Failure RefusedUnderWay { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written: what was asked for is under way but not stored yet.",
        "Ask the operator to make room on the server's disk, then send the request again: it does no harm twice.");
}

/// <summary>The service can't start on its data folder; the message says why in one sentence.</summary>
public sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

internal enum DatabaseError
{
    /// <summary>Of one statement alone, for example a key that is taken, or a defect.</summary>
    Other,

    /// <summary>Another program holds the database: it will go by.</summary>
    Busy,

    /// <summary>The disk is full, broken or read-only.</summary>
    Disk,
}

/// <summary>What a database's exceptions mean. The one place that knows the provider's codes.</summary>
internal static class DatabaseErrors
{
    public static DatabaseError KindOf(Exception exception) =>
        (exception as SqliteException ?? exception.InnerException as SqliteException)?.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => DatabaseError.Busy,
        raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN => DatabaseError.Disk,
        _ => DatabaseError.Other,
    };
}
