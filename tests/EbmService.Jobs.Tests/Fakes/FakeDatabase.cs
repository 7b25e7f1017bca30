using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>The real database until a test says what its writes run into.</summary>
internal sealed class FakeDatabase : DbCommandInterceptor, IDbTransactionInterceptor
{
    /// <value>SQLite's code that every write fails with; 0 for none.</value>
    public int FailsWith { get; set; }

    /// <value>Statements go through, and only their commit fails.</value>
    public bool OnlyAtCommit { get; set; }

    public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        if (!OnlyAtCommit && !command.CommandText.TrimStart().StartsWith("SELECT", StringComparison.Ordinal))
            Write();
        return new(result);
    }

    public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (!OnlyAtCommit)
            Write();
        return new(result);
    }

    public ValueTask<InterceptionResult> TransactionCommittingAsync(
        DbTransaction transaction, TransactionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
    {
        Write();
        return new(result);
    }

    private void Write()
    {
        if (FailsWith != 0)
            throw new SqliteException("SQLite Error", FailsWith);
    }
}
