using Microsoft.Data.Sqlite;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>A connection of another program that holds jobs.db: nobody else can write until it is disposed.</summary>
internal sealed class HeldDatabase : IDisposable
{
    private readonly SqliteConnection _connection;

    public HeldDatabase(string folder)
    {
        _connection = new SqliteConnection($"Data Source={Path.Combine(folder, "jobs.db")};Pooling=False;Default Timeout=30");
        _connection.Open();
        Execute("BEGIN EXCLUSIVE");
    }

    public void Dispose()
    {
        Execute("ROLLBACK");
        _connection.Dispose();
    }

    private void Execute(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
