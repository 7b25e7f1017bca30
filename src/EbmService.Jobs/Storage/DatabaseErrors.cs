using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EbmService.Jobs.Storage;

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
    public static DatabaseError KindOf(Exception exception) => (exception as SqliteException ?? exception.InnerException as SqliteException)?.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => DatabaseError.Busy,
        raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN => DatabaseError.Disk,
        _ => DatabaseError.Other,
    };
}
