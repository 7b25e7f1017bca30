using System.Collections.Concurrent;
using System.Diagnostics;
using EbmService.Core.Failures;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Reads the database on a few threads of its own: the provider's asynchronous calls block their thread, and with a database that another
/// program holds they block it for long. Thread-safe.
/// </summary>
internal sealed class DatabaseReader(IDbContextFactory<JobsDbContext> contexts, IOptions<StorageOptions> options) : IDisposable
{
    private const int Threads = 2;
    private static readonly TimeSpan PauseWhenBusy = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);

    private readonly BlockingCollection<Action> _queue = [];
    private readonly List<Thread> _threads = [];
    private volatile bool _stops;

    /// <summary>Runs a query; <paramref name="read"/> is synchronous and may be run again.</summary>
    /// <exception cref="FailureException"><see cref="FailureCode.StorageBusy"/>: another program held the database for
    /// longer than the configured limit.</exception>
    public async Task<T> ReadAsync<T>(Func<JobsDbContext, T> read, CancellationToken cancellationToken)
    {
        Start();
        TimeSpan patience = TimeSpan.FromSeconds(options.Value.BusySeconds);
        long since = Stopwatch.GetTimestamp();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Enqueue(() => Run(read, done,
            () => _stops || cancellationToken.IsCancellationRequested || Stopwatch.GetElapsedTime(since) >= patience));
        try
        {
            // Others that are waiting may be ahead of it.
            return await done.Task.WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new FailureException(StorageFailures.Busy);
        }
    }

    public void Dispose()
    {
        _stops = true;
        _queue.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join(StopLimit);
    }

    private void Enqueue(Action query)
    {
        try
        {
            _queue.Add(query);
        }
        catch (InvalidOperationException)
        {
            throw new FailureException(StorageFailures.Busy);
        }
    }

    private void Run<T>(Func<JobsDbContext, T> read, TaskCompletionSource<T> done, Func<bool> givesUp)
    {
        while (!givesUp())
        {
            try
            {
                using JobsDbContext context = contexts.CreateDbContext();
                done.TrySetResult(read(context));
                return;
            }
            catch (Exception e) when (DatabaseErrors.KindOf(e) == DatabaseError.Busy)
            {
                Thread.Sleep(PauseWhenBusy);
            }
            catch (Exception e)
            {
                done.TrySetException(e);
                return;
            }
        }
        done.TrySetException(new FailureException(StorageFailures.Busy));
    }

    private void Start()
    {
        lock (_threads)
        {
            while (_threads.Count < Threads)
            {
                var thread = new Thread(() =>
                {
                    foreach (Action query in _queue.GetConsumingEnumerable())
                        query();
                }) { IsBackground = true, Name = $"ebm-database-reader-{_threads.Count}" };
                _threads.Add(thread);
                thread.Start();
            }
        }
    }
}
