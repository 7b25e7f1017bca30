using System.Buffers.Text;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Admission;

/// <summary>Jobs as clients see them: the live ones from memory, the others from the database. Thread-safe.</summary>
internal sealed class JobLookup(LiveJobs live, JobStore store, JobRowMapper mapper)
{
    private const int MaxPage = 200;

    public static Failure NotFound { get; } = new(FailureCode.JobNotFound, "There is no job of this id.");

    public async Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (FindLive(id) is { } alive)
            return alive;
        return await store.FindAsync(id, cancellationToken) is { } row ? mapper.ToSnapshot(row) : NotFound;
    }

    public async Task<Outcome<JobPage>> ListAsync(JobFilter query, CancellationToken cancellationToken)
    {
        string? before = query.Cursor is null ? null : DecodeCursor(query.Cursor);
        if (query.Cursor is not null && before is null)
            return Failure.OfFields([new("cursor", "Not a cursor of this service: use nextCursor of the page before.")]);
        if (query.Limit is < 1 or > MaxPage)
            return Failure.OfFields([new("limit", $"A page has 1 to {MaxPage} jobs.")]);
        IReadOnlyList<JobRow> rows = await store.ListAsync(query, before, query.Limit + 1, cancellationToken);
        // A live job may have left the status that its row still had.
        List<JobSnapshot> jobs = [.. rows.Take(query.Limit).Select(row => FindLive(row.Id) ?? mapper.ToSnapshot(row))
            .Where(job => query.Status is null || job.Status == query.Status)];
        return new JobPage(jobs, rows.Count > query.Limit ? EncodeCursor(rows[query.Limit - 1].Id) : null);
    }

    /// <summary>Why nothing can be done with a job that is not live.</summary>
    /// <param name="wish">The participle of what was asked.</param>
    public async Task<Outcome<JobSnapshot>> RefuseEndedAsync(string id, string wish, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> found = await FindAsync(id, cancellationToken);
        return found.Succeeded ? AlreadyEnded(found.Value, wish) : found;
    }

    public static Failure AlreadyEnded(JobSnapshot job, string wish) =>
        new(FailureCode.InvalidTransition, $"The job has {Word(job.Status)} and can't be {wish} any more.");

    public static string Word(JobStatus status) => status == JobStatus.Cancelled ? "been cancelled" : status.ToString().ToLowerInvariant();

    /// <summary>The opaque cursor of a job page: the id of its last job.</summary>
    private static string EncodeCursor(string id) => Base64Url.EncodeToString(Convert.FromHexString(id));

    /// <summary>Null when the text is no cursor of ours.</summary>
    private static string? DecodeCursor(string cursor)
    {
        if (!Base64Url.IsValid(cursor))
            return null;
        string id = Convert.ToHexStringLower(Base64Url.DecodeFromChars(cursor));
        return JobFolders.IsValidId(id) ? id : null;
    }

    private JobSnapshot? FindLive(string id) => live.Find(id) is { } job ? live.Snapshot(job) : null;
}
