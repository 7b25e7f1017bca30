using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Every statement on the jobs database. Thread-safe: each call has its own context. What a full or failing disk does to a write is a
/// <see cref="FailureException"/> of <see cref="FailureCode.StorageFailed"/>.
/// </summary>
internal sealed class JobStore(IDbContextFactory<JobsDbContext> contexts)
{
    private const int StartUpPage = 200;

    /// <summary>Brings the database up to date; the caller holds the <see cref="DataFolderLock"/>.</summary>
    public async Task MigrateAsync(CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        // EF Core waits without end for the migration lock of a process that was killed while it held it; nobody else is here.
        // https://learn.microsoft.com/ef/core/providers/sqlite/limitations#concurrent-migrations-protection
        if (context.Database.IsSqlite())
            await context.Database.ExecuteSqlRawAsync("DROP TABLE IF EXISTS \"__EFMigrationsLock\"", cancellation);
        await context.Database.MigrateAsync(cancellation);
        // WAL lets readers go on while a job is being written; the mode stays with the file.
        if (context.Database.IsSqlite())
            await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL", cancellation);
    }

    /// <summary>The job, its blocks and its idempotency key, in one transaction.</summary>
    /// <exception cref="DbUpdateException">Among others: the key is taken.</exception>
    public Task InsertAsync(JobRow job, IdempotencyRow? key) => WriteAsync(context =>
    {
        context.Jobs.Add(job);
        if (key is not null)
            context.IdempotencyKeys.Add(key);
        return context.SaveChangesAsync();
    });

    public async Task<JobRow?> FindAsync(string id, CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        return await context.Jobs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellation);
    }

    public async Task<JobRow?> FindWithBlocksAsync(string id, CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        return await context.Jobs.AsNoTracking().Include(row => row.Blocks).SingleOrDefaultAsync(row => row.Id == id, cancellation);
    }

    public async Task<IdempotencyRow?> FindKeyAsync(string key, CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        return await context.IdempotencyKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Key == key, cancellation);
    }

    /// <summary>Newest first, from just after <paramref name="before"/>.</summary>
    public async Task<IReadOnlyList<JobRow>> ListAsync(JobQuery query, string? before, int limit, CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        IQueryable<JobRow> rows = context.Jobs.AsNoTracking();
        if (query.Status is { } status)
            rows = rows.Where(row => row.Status == status);
        if (query.Model is { } model)
            rows = rows.Where(row => row.ModelName == model);
        if (query.Type is { } type)
            rows = rows.Where(row => row.Type == type);
        if (before is not null)
            rows = rows.Where(row => string.Compare(row.Id, before) < 0);
        return await rows.OrderByDescending(row => row.Id).Take(limit).ToListAsync(cancellation);
    }

    /// <summary>Writes what can change of a job; false when the row is gone or belongs to a newer process.</summary>
    public async Task<bool> UpdateAsync(JobSnapshot job, int epoch, long lastSequence)
    {
        string progress = JobRowMapper.ToJson(job.Progress);
        string? error = job.Error is null ? null : JobRowMapper.ToJson(job.Error);
        string results = JobRowMapper.ToJson(job.Results);
        return await WriteAsync(context => context.Jobs.Where(row => row.Id == job.Id && row.Epoch == epoch).ExecuteUpdateAsync(set => set
            .SetProperty(row => row.Status, job.Status)
            .SetProperty(row => row.StartedAt, job.StartedAt)
            .SetProperty(row => row.FinishedAt, job.FinishedAt)
            .SetProperty(row => row.Attempt, job.Attempt)
            .SetProperty(row => row.LastSequence, lastSequence)
            .SetProperty(row => row.StopReason, row => job.StopReason ?? row.StopReason)
            .SetProperty(row => row.Progress, progress)
            .SetProperty(row => row.Error, error)
            .SetProperty(row => row.Results, results))) == 1;
    }

    /// <summary>Writes why and where the job's chains are about to be stopped; false as for <see cref="UpdateAsync"/>.</summary>
    public async Task<bool> DecideStopAsync(string id, int epoch, StopReason reason, int? step) =>
        await WriteAsync(context => context.Jobs.Where(row => row.Id == id && row.Epoch == epoch).ExecuteUpdateAsync(set => set
            .SetProperty(row => row.StopReason, reason)
            .SetProperty(row => row.StopStep, step))) == 1;

    /// <summary>Claims the right to write a checkpoint; false when the block belongs to a newer process.</summary>
    public Task<bool> BeginCheckpointAsync(string jobId, int index, int epoch, int step) =>
        UpdateBlockAsync(jobId, index, epoch, set => set.SetProperty(row => row.CheckpointStep, step));

    public Task<bool> CompleteBlockAsync(string jobId, int index, int epoch, int step, string sha256) =>
        UpdateBlockAsync(jobId, index, epoch, set => set
            .SetProperty(row => row.State, BlockRowState.Done)
            .SetProperty(row => row.Step, step)
            .SetProperty(row => row.ResultSha256, sha256));

    /// <summary>The block's stored result is of no use: it is to be computed again.</summary>
    public Task<bool> ReopenBlockAsync(string jobId, int index, int epoch, int step) =>
        UpdateBlockAsync(jobId, index, epoch, set => set
            .SetProperty(row => row.State, BlockRowState.Waiting)
            .SetProperty(row => row.Step, step)
            .SetProperty(row => row.ResultSha256, (string?)null));

    private async Task<bool> UpdateBlockAsync(string jobId, int index, int epoch, Action<UpdateSettersBuilder<BlockRow>> set) => await WriteAsync(context =>
        context.Blocks.Where(row => row.JobId == jobId && row.Index == index && row.LeaseEpoch == epoch).ExecuteUpdateAsync(set)) == 1;

    public async Task<bool> DeleteAsync(string id) =>
        await WriteAsync(context => context.Jobs.Where(row => row.Id == id).ExecuteDeleteAsync()) == 1;

    private async Task<int> WriteAsync(Func<JobsDbContext, Task<int>> write)
    {
        try
        {
            await using JobsDbContext context = await contexts.CreateDbContextAsync();
            return await write(context);
        }
        // Bare from a commit and from an update in place, wrapped from SaveChanges.
        catch (Exception e) when ((e as SqliteException ?? e.InnerException as SqliteException)?.IsOfDisk() is true)
        {
            throw new FailureException(StorageFailures.OfRequest, e);
        }
    }

    /// <summary>The jobs that had not ended, oldest first, a page of them after <paramref name="after"/>, with their blocks.</summary>
    public async Task<IReadOnlyList<JobRow>> ListUnfinishedAsync(string after, CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        return await context.Jobs.AsNoTracking().Include(row => row.Blocks)
            .Where(row => row.Status != JobStatus.Succeeded && row.Status != JobStatus.Failed && row.Status != JobStatus.Cancelled)
            .Where(row => string.Compare(row.Id, after) > 0)
            .OrderBy(row => row.Id).Take(StartUpPage).ToListAsync(cancellation);
    }

    /// <summary>Writes a job taken over from a dead process, and its blocks.</summary>
    public async Task ReclaimAsync(JobRow row, CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        context.Jobs.Update(row);
        await context.SaveChangesAsync(cancellation);
    }

    /// <summary>Every job's id, and whether it has ended.</summary>
    public async Task<Dictionary<string, bool>> ListEndedAsync(CancellationToken cancellation)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellation);
        return await context.Jobs.Select(row => new { row.Id, row.Status }).ToDictionaryAsync(row => row.Id, row => row.Status.IsTerminal(), cancellation);
    }
}
