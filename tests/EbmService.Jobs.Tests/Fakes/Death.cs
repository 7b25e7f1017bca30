using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>
/// The process's end between two changes of what outlives it: from then on nothing more reaches the disk or the database. Changes are
/// counted, so that a test can choose the moment.
/// </summary>
internal sealed class Death : DbCommandInterceptor, IDbTransactionInterceptor
{
    private int _changes;

    /// <value>The number of the change that does not happen any more.</value>
    public int At { get; set; } = int.MaxValue;

    public int Changes => Volatile.Read(ref _changes);

    public bool HasCome => Changes >= At;

    /// <summary>Before each change; throws once the process is dead.</summary>
    public void Change()
    {
        if (Interlocked.Increment(ref _changes) >= At)
            throw new IOException("the process is dead");
    }

    public override InterceptionResult<DbDataReader> ReaderExecuting(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result)
    {
        Change();
        return result;
    }

    public override InterceptionResult<int> NonQueryExecuting(DbCommand command, CommandEventData eventData, InterceptionResult<int> result)
    {
        Change();
        return result;
    }

    public InterceptionResult TransactionCommitting(DbTransaction transaction, TransactionEventData eventData, InterceptionResult result)
    {
        Change();
        return result;
    }
}
