using System.Collections.Concurrent;
using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Jobs.Telemetry;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>
/// The one writer of the database: a thread of its own that takes what has come since its last transaction into the next one. A
/// database that another program holds is waited for, without end or up to <see cref="StorageOptions.BusySeconds"/>. Thread-safe;
/// no caller's thread ever waits in the database.
/// </summary>
/// <remarks>
/// 1. take all that waits, up to a limit; 2. one transaction, each write behind a savepoint, so that one that fails fails alone;
/// 3. commit, and tell the callers. Busy: those whose time is over are answered, the others are tried again. Any other error of
/// the transaction: each write is tried alone.
/// </remarks>
internal sealed class DatabaseWriter(
    IDbContextFactory<JobsDbContext> contexts, IOptions<StorageOptions> options, StorageMetrics metrics, TimeProvider clock,
    ILogger<DatabaseWriter> log) : IDisposable
{
    private const int MaxBatch = 256;
    private const string Savepoint = "write";
    private static readonly TimeSpan PauseWhenBusy = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly BlockingCollection<Write> _queue = [];
    private readonly Lock _startGate = new();
    private Thread? _thread;
    private volatile bool _isBusy;
    private volatile bool _stops;

    /// <value>Whether another program holds the database just now, so that writes wait.</value>
    public bool IsBusy => _isBusy;

    /// <summary>Runs a write in a transaction.</summary>
    /// <param name="write">Synchronous, on the writer's thread; run again when the database was busy. Returns the rows it touched.</param>
    /// <param name="waits">Whether to wait for a busy database without end; else up to the configured limit.</param>
    /// <exception cref="FailureException"><see cref="FailureCode.StorageBusy"/>,
    /// <see cref="FailureCode.StorageFailed"/>: nothing was written.</exception>
    public Task<int> WriteAsync(Func<JobsDbContext, int> write, bool waits)
    {
        var entry = new Write(write, waits ? null : TimeSpan.FromSeconds(options.Value.BusySeconds));
        Start();
        try
        {
            _queue.Add(entry);
        }
        catch (InvalidOperationException)
        {
            entry.Fail(new FailureException(StorageFailures.Busy));
        }
        return entry.Task;
    }

    /// <summary>Writes what is queued, but waits for a busy database no more; twice is once.</summary>
    public void Dispose()
    {
        _stops = true;
        _queue.CompleteAdding();
        _thread?.Join(StopLimit);
    }

    private void Start()
    {
        lock (_startGate)
        {
            if (_thread is not null)
                return;
            _thread = new Thread(Run) { IsBackground = true, Name = "ebm-database-writer" };
            _thread.Start();
        }
    }

    private void Run()
    {
        List<Write> pending = [];
        while (Take(pending))
        {
            List<Write> batch = pending[..Math.Min(pending.Count, MaxBatch)];
            Committed committed = TryCommit(batch);
            for (int i = 0; committed == Committed.No && batch.Count > 1 && i < batch.Count; i++)
            {
                if (TryCommit([batch[i]]) == Committed.Busy)
                    committed = Committed.Busy;
            }
            SetBusy(committed == Committed.Busy);
            if (_isBusy)
                Thread.Sleep(PauseWhenBusy);
            pending.RemoveAll(write => write.IsDone || (_isBusy && write.GivesUp(_stops)));
        }
    }

    /// <summary>Waits for the first write where none is pending; false when there will be none any more.</summary>
    private bool Take(List<Write> pending)
    {
        if (pending.Count == 0 && _queue.TryTake(out Write? first, Timeout.Infinite))
            pending.Add(first);
        while (_queue.TryTake(out Write? next))
            pending.Add(next);
        return pending.Count > 0;
    }

    /// <summary>Writes the batch and tells its callers; an error of a batch of several is nobody's yet.</summary>
    private Committed TryCommit(List<Write> batch)
    {
        long started = clock.GetTimestamp();
        try
        {
            using JobsDbContext context = contexts.CreateDbContext();
            context.Database.AutoSavepointsEnabled = false;
            using IDbContextTransaction transaction = context.Database.BeginTransaction();
            foreach (Write write in batch)
                RunOne(write, context, transaction, hasCompany: batch.Count > 1);
            transaction.Commit();
        }
        catch (Exception e)
        {
            metrics.Written(StorageKind.Database, started, failure: e);
            DatabaseError error = DatabaseErrors.KindOf(e);
            if (error == DatabaseError.Busy)
                return Committed.Busy;
            if (batch is [var only])
                only.Fail(error == DatabaseError.Disk ? new FailureException(StorageFailures.OfRequest, e) : e);
            return Committed.No;
        }
        metrics.Written(StorageKind.Database, started);
        foreach (Write write in batch)
            write.Complete();
        return Committed.Yes;
    }

    private static void RunOne(Write write, JobsDbContext context, IDbContextTransaction transaction, bool hasCompany)
    {
        if (hasCompany)
            transaction.CreateSavepoint(Savepoint);
        try
        {
            write.Run(context);
        }
        catch (Exception e) when (hasCompany && DatabaseErrors.KindOf(e) == DatabaseError.Other)
        {
            transaction.RollbackToSavepoint(Savepoint);
            write.HasFailed(e);
        }
        context.ChangeTracker.Clear();
    }

    private void SetBusy(bool isBusy)
    {
        if (isBusy && !_isBusy)
            log.DatabaseBusy();
        else if (!isBusy && _isBusy)
            log.DatabaseFree();
        _isBusy = isBusy;
    }

    private enum Committed
    {
        Yes,
        Busy,
        No,
    }

    /// <summary>One write on its way; used by the writer's thread alone but for its task.</summary>
    private sealed class Write(Func<JobsDbContext, int> run, TimeSpan? patience)
    {
        private readonly TaskCompletionSource<int> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly long _since = Stopwatch.GetTimestamp();
        private int _rows;
        private Exception? _exception;

        public Task<int> Task => _done.Task;

        public bool IsDone => _done.Task.IsCompleted;

        public void Run(JobsDbContext context)
        {
            _exception = null;
            _rows = run(context);
        }

        /// <summary>Told once the others are stored: the batch may have to be tried again.</summary>
        public void HasFailed(Exception exception) => _exception = exception;

        public void Complete()
        {
            if (_exception is null)
                _done.TrySetResult(_rows);
            else
                _done.TrySetException(_exception);
        }

        public void Fail(Exception exception) => _done.TrySetException(exception);

        /// <summary>Answers the caller when its time is over.</summary>
        public bool GivesUp(bool now)
        {
            if (!now && (patience is not { } limit || Stopwatch.GetElapsedTime(_since) < limit))
                return false;
            return _done.TrySetException(new FailureException(StorageFailures.Busy));
        }
    }
}
