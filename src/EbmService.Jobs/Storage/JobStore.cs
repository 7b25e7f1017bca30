using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Retention;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Every statement on the jobs database. Thread-safe. What a full or failing disk does to a write is a <see cref="FailureException"/> of
/// <see cref="FailureCode.StorageFailed"/>; a database that another program holds is waited for, by a request's writes and reads up to the
/// configured limit and then <see cref="FailureCode.StorageBusy"/>, by what jobs have to store without limit.
/// </summary>
internal sealed class JobStore(
    IDbContextFactory<JobsDbContext> contexts, DatabaseWriter writer, DatabaseReader reader, IOptions<StorageOptions> options)
{
    private const int StartUpPage = 200;

    /// <summary>Blocks that one query names: SQLite takes at most 32 766 parameters.</summary>
    private const int BlocksAtOnce = 1000;

    private static readonly TimeSpan MigrationRetry = TimeSpan.FromMilliseconds(200);

    /// <value>Whether another program holds the database just now, so that writes wait.</value>
    public bool IsBusy => writer.IsBusy;

    /// <summary>Brings the database up to date; the caller holds the <see cref="DataFolderLock"/>.</summary>
    /// <returns>Whether it was made just now: there are no jobs in it.</returns>
    /// <exception cref="StorageUnavailableException">Another program holds the database for longer than the configured limit.</exception>
    public async Task<bool> MigrateAsync(CancellationToken cancellationToken)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                return await MigrateOnceAsync(cancellationToken);
            }
            // Each try has waited for the database's own limit of one second.
            catch (Exception e) when (DatabaseErrors.KindOf(e) == DatabaseError.Busy)
            {
                if (tries >= options.Value.BusySeconds)
                    throw new StorageUnavailableException(
                        "Another program holds jobs.db in the folder of Storage:DataPath: end it first.", e);
            }
            await Task.Delay(MigrationRetry, cancellationToken);
        }
    }

    private async Task<bool> MigrateOnceAsync(CancellationToken cancellationToken)
    {
        await using JobsDbContext context = await contexts.CreateDbContextAsync(cancellationToken);
        // EF Core waits without end for the migration lock of a process that was killed while it held it; nobody else is here.
        // https://learn.microsoft.com/ef/core/providers/sqlite/limitations#concurrent-migrations-protection
        if (context.Database.IsSqlite())
            await context.Database.ExecuteSqlRawAsync("DROP TABLE IF EXISTS \"__EFMigrationsLock\"", cancellationToken);
        bool isNew = !(await context.Database.GetAppliedMigrationsAsync(cancellationToken)).Any();
        await context.Database.MigrateAsync(cancellationToken);
        // WAL lets readers go on while a job is being written; the mode stays with the file.
        if (context.Database.IsSqlite())
            await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL", cancellationToken);
        return isNew;
    }

    /// <summary>The job, its blocks and its idempotency key, in one transaction; for a request.</summary>
    /// <exception cref="DbUpdateException">Among others: the key is taken.</exception>
    public Task InsertAsync(JobRow job, IdempotencyRow? key) => writer.WriteAsync(context =>
    {
        context.Jobs.Add(job);
        if (key is not null)
            context.IdempotencyKeys.Add(key);
        return context.SaveChanges();
    }, waits: false);

    public Task<JobRow?> FindAsync(string id, CancellationToken cancellationToken) =>
        reader.ReadAsync(context => context.Jobs.AsNoTracking().SingleOrDefault(row => row.Id == id), cancellationToken);

    public Task<JobRow?> FindWithBlocksAsync(string id, CancellationToken cancellationToken) => reader.ReadAsync(
        context => context.Jobs.AsNoTracking().Include(row => row.Blocks).SingleOrDefault(row => row.Id == id), cancellationToken);

    public Task<IdempotencyRow?> FindKeyAsync(string key, CancellationToken cancellationToken) =>
        reader.ReadAsync(context => context.IdempotencyKeys.AsNoTracking().SingleOrDefault(row => row.Key == key), cancellationToken);

    /// <summary>Newest first, from just after <paramref name="before"/>.</summary>
    public Task<List<JobRow>> ListAsync(
        JobFilter query, string? before, int limit, CancellationToken cancellationToken) => reader.ReadAsync(context =>
    {
        IQueryable<JobRow> rows = context.Jobs.AsNoTracking();
        if (query.Status is { } status)
            rows = rows.Where(row => row.Status == status);
        if (query.Model is { } model)
            rows = rows.Where(row => row.ModelName == model || row.Models!.Contains("\"name\":\"" + model + "\""));
        if (query.Tenant is { } tenant)
            rows = rows.Where(row => row.Tenant == tenant);
        if (query.Type is { } type)
            rows = rows.Where(row => row.Type == type);
        if (before is not null)
            rows = rows.Where(row => string.Compare(row.Id, before) < 0);
        return rows.OrderByDescending(row => row.Id).Take(limit).ToList();
    }, cancellationToken);

    /// <summary>Writes what can change of a job; false when the row is gone or belongs to a newer process.</summary>
    public async Task<bool> UpdateAsync(JobSnapshot job, int epoch, long lastSequence)
    {
        string progress = JobRowMapper.ToJson(job.Progress);
        string? error = job.Error is null ? null : JobRowMapper.ToJson(job.Error);
        string results = JobRowMapper.ToJson(job.Results);
        return await writer.WriteAsync(context => context.Jobs.Where(row => row.Id == job.Id && row.Epoch == epoch).ExecuteUpdate(set => set
            .SetProperty(row => row.Status, job.Status)
            .SetProperty(row => row.StartedAt, job.StartedAt)
            .SetProperty(row => row.FinishedAt, job.FinishedAt)
            .SetProperty(row => row.Attempt, job.Attempt)
            .SetProperty(row => row.LastSequence, lastSequence)
            .SetProperty(row => row.StopReason, row => job.StopReason ?? row.StopReason)
            .SetProperty(row => row.Progress, progress)
            .SetProperty(row => row.Error, error)
            .SetProperty(row => row.Results, results)), waits: true) == 1;
    }

    /// <summary>Writes why and where the job's blocks are about to be stopped; false as for <see cref="UpdateAsync"/>.</summary>
    public async Task<bool> DecideStopAsync(string id, int epoch, string reason, int? step) =>
        await writer.WriteAsync(context => context.Jobs.Where(row => row.Id == id && row.Epoch == epoch).ExecuteUpdate(set => set
            .SetProperty(row => row.StopReason, reason)
            .SetProperty(row => row.StopStep, step)), waits: true) == 1;

    /// <summary>Claims the right to write a checkpoint; false when the block belongs to a newer process.</summary>
    public Task<bool> BeginCheckpointAsync(string jobId, int index, int epoch, int step) =>
        UpdateBlockAsync(jobId, index, epoch, set => set.SetProperty(row => row.CheckpointStep, step));

    /// <summary>Whether what blocks left may be written; false when one belongs to a newer process.</summary>
    public async Task<bool> BeginResultsAsync(string jobId, int epoch, IReadOnlyList<int> indices) => await writer.WriteAsync(
        context => indices.Chunk(BlocksAtOnce).Sum(some => Leased(context, jobId, epoch, some).Count()), waits: true) == indices.Count;

    /// <summary>Writes that the blocks' results are stored; false, and nothing is written, when one belongs to a newer process.</summary>
    public async Task<bool> CompleteBlocksAsync(string jobId, int epoch, IReadOnlyList<CompletedBlock> blocks)
    {
        Dictionary<int, CompletedBlock> byIndex = blocks.ToDictionary(block => block.Index);
        return await writer.WriteAsync(context =>
        {
            List<BlockRow> rows = [.. byIndex.Keys.Chunk(BlocksAtOnce).SelectMany(some => Leased(context, jobId, epoch, some))];
            if (rows.Count != byIndex.Count)
                return 0;
            foreach (BlockRow row in rows)
                (row.State, row.Step, row.ResultSha256) = (BlockRowState.Done, byIndex[row.Index].Step, byIndex[row.Index].Sha256);
            context.SaveChanges();
            return rows.Count;
        }, waits: true) == blocks.Count;
    }

    private static IQueryable<BlockRow> Leased(JobsDbContext context, string jobId, int epoch, int[] indices) =>
        context.Blocks.Where(row => row.JobId == jobId && row.LeaseEpoch == epoch && indices.Contains(row.Index));

    /// <summary>The block's stored result is of no use: it is to be computed again.</summary>
    public Task<bool> ReopenBlockAsync(string jobId, int index, int epoch, int step) =>
        UpdateBlockAsync(jobId, index, epoch, set => set
            .SetProperty(row => row.State, BlockRowState.Waiting)
            .SetProperty(row => row.Step, step)
            .SetProperty(row => row.ResultSha256, (string?)null));

    private async Task<bool> UpdateBlockAsync(string jobId, int index, int epoch, Action<UpdateSettersBuilder<BlockRow>> set) =>
        await writer.WriteAsync(context => context.Blocks
            .Where(row => row.JobId == jobId && row.Index == index && row.LeaseEpoch == epoch).ExecuteUpdate(set), waits: true) == 1;

    /// <summary>For a request; false when there is no such job.</summary>
    public async Task<bool> DeleteAsync(string id) =>
        await writer.WriteAsync(context => context.Jobs.Where(row => row.Id == id).ExecuteDelete(), waits: false) == 1;

    /// <summary>Whether the job is kept from being swept; false when there is no such job. For a request.</summary>
    public async Task<bool> SetKeepAsync(string id, bool keep) => await writer.WriteAsync(
        context => context.Jobs.Where(row => row.Id == id).ExecuteUpdate(set => set.SetProperty(row => row.Keep, keep)), waits: false) == 1;

    /// <summary>Deletes a job that has ended and is not kept; false where it is no such job any more.</summary>
    public async Task<bool> DeleteUnkeptAsync(string id) => await writer.WriteAsync(
        context => Ended(context).Where(row => row.Id == id && !row.Keep).ExecuteDelete(), waits: false) == 1;

    public Task<List<RetainedJob>> ListRetainedAsync(CancellationToken cancellationToken) => reader.ReadAsync(context => Ended(context)
        .Select(row => new { row.Id, row.FinishedAt, row.Keep, row.StoredBytes }).AsEnumerable()
        .Select(row => new RetainedJob(row.Id, row.FinishedAt!.Value, row.Keep, row.StoredBytes ?? 0)).ToList(), cancellationToken);

    /// <summary>A page of the jobs that have ended since the last sweep.</summary>
    public Task<List<UnmeasuredJob>> ListUnmeasuredAsync(CancellationToken cancellationToken) => reader.ReadAsync(context => Ended(context)
        .Where(row => row.StoredBytes == null).OrderBy(row => row.Id).Take(StartUpPage)
        .Select(row => new UnmeasuredJob(row.Id, row.Spec.Length + row.Progress.Length + row.Results.Length + row.Tags.Length)).ToList(), cancellationToken);

    public Task MeasuredAsync(IReadOnlyDictionary<string, long> bytes) => writer.WriteAsync(context => bytes.Sum(one => context.Jobs
        .Where(row => row.Id == one.Key).ExecuteUpdate(set => set.SetProperty(row => row.StoredBytes, one.Value))), waits: false);

    public Task<List<string>> ListIdsAsync(CancellationToken cancellationToken) =>
        reader.ReadAsync(context => context.Jobs.Select(row => row.Id).ToList(), cancellationToken);

    private static IQueryable<JobRow> Ended(JobsDbContext context) => context.Jobs.Where(row => row.FinishedAt != null
        && (row.Status == JobStatus.Succeeded || row.Status == JobStatus.Failed || row.Status == JobStatus.Cancelled));

    /// <summary>The jobs that had not ended, oldest first, a page of them after <paramref name="after"/>, with their blocks.</summary>
    public Task<List<JobRow>> ListUnfinishedAsync(string after, CancellationToken cancellationToken) => reader.ReadAsync(context =>
        context.Jobs.AsNoTracking().Include(row => row.Blocks)
            .Where(row => row.Status != JobStatus.Succeeded && row.Status != JobStatus.Failed && row.Status != JobStatus.Cancelled)
            .Where(row => string.Compare(row.Id, after) > 0)
            .OrderBy(row => row.Id).Take(StartUpPage).ToList(), cancellationToken);

    /// <summary>Writes a job taken over from a dead process, and its blocks.</summary>
    public Task ReclaimAsync(JobRow row) => writer.WriteAsync(context =>
    {
        context.Jobs.Update(row);
        return context.SaveChanges();
    }, waits: true);

    /// <summary>Of every job, as far as it has come.</summary>
    public Task<List<StoredEnd>> ListEndsAsync(CancellationToken cancellationToken) => reader.ReadAsync(context =>
        context.Jobs.Select(row => new StoredEnd(row.Id, row.Type, row.Status, row.StopReason, row.Results != "[]")).ToList(), cancellationToken);
}

/// <summary>A job whose files were not counted yet.</summary>
/// <param name="RecordBytes">What its row takes, about.</param>
internal sealed record UnmeasuredJob(string Id, long RecordBytes);

/// <summary>How a job has ended, if it has.</summary>
/// <param name="HasResults">Whether it has left files.</param>
internal sealed record StoredEnd(string Id, string Type, JobStatus Status, string? StopReason, bool HasResults);
