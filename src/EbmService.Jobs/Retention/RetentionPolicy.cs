using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Retention;

/// <summary>How long jobs that have ended stay, as <see cref="StorageOptions"/> says. Thread-safe.</summary>
internal sealed class RetentionPolicy(IOptions<StorageOptions> options)
{
    /// <value>How long after its end a job may go by age; null: it stays.</value>
    public TimeSpan? Age { get; } = options.Value.RetainDays > 0 ? TimeSpan.FromDays(options.Value.RetainDays) : null;

    /// <value>Bytes that jobs may take that have ended and are not kept; null: any.</value>
    public long? MaxBytes { get; } = options.Value.MaxBytes > 0 ? options.Value.MaxBytes : null;

    /// <value>Whether anything is ever deleted.</value>
    public bool IsOn => Age is not null || MaxBytes is not null;

    /// <summary>When the job may be deleted by its age; null where it has not ended, is kept, or there is no such age.</summary>
    public DateTimeOffset? ExpiryOf(DateTimeOffset? finishedAt, bool keep) => keep ? null : finishedAt + Age;

    /// <summary>The job with its expiry filled in.</summary>
    public JobSnapshot Complete(JobSnapshot job) =>
        job.Status.IsTerminal() ? job with { ExpiresAt = ExpiryOf(job.FinishedAt, job.Keep) } : job;
}
