using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>The real database until a test says what its writes and reads run into.</summary>
internal sealed class FakeDatabase : DbCommandInterceptor, IDbTransactionInterceptor
{
    private int _commits;

    /// <value>SQLite's code that every write fails with; 0 for none.</value>
    public int FailsWith { get; set; }

    /// <value>SQLite's code that every query fails with; 0 for none.</value>
    public int ReadsFailWith { get; set; }

    /// <value>What writes wait for.</value>
    public ManualResetEventSlim Holds { get; } = new(true);

    /// <value>Statements go through, and only their commit fails.</value>
    public bool OnlyAtCommit { get; set; }

    /// <value>Transactions that were to be committed so far.</value>
    public int Commits => Volatile.Read(ref _commits);

    public override InterceptionResult<DbDataReader> ReaderExecuting(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result)
    {
        if (command.CommandText.TrimStart().StartsWith("SELECT", StringComparison.Ordinal))
            Fail(ReadsFailWith);
        else if (!OnlyAtCommit)
            Fail(FailsWith);
        return result;
    }

    public override InterceptionResult<int> NonQueryExecuting(DbCommand command, CommandEventData eventData, InterceptionResult<int> result)
    {
        if (!OnlyAtCommit)
            Fail(FailsWith);
        return result;
    }

    public InterceptionResult TransactionCommitting(DbTransaction transaction, TransactionEventData eventData, InterceptionResult result)
    {
        Interlocked.Increment(ref _commits);
        Holds.Wait();
        Fail(FailsWith);
        return result;
    }

    private static void Fail(int code)
    {
        if (code != 0)
            throw new SqliteException("SQLite Error", code);
    }
}
