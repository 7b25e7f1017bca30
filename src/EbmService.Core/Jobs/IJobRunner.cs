using EbmService.Core.Models;

namespace EbmService.Core.Jobs;

/// <summary>Runs jobs from request to results on the engine of this process, for those who want nothing of a job but its results. Thread-safe.</summary>
public interface IJobRunner
{
    /// <summary>Submits a job and waits for its end.</summary>
    /// <param name="type">The name of the job's type.</param>
    /// <param name="model">A ready model.</param>
    /// <param name="request">Of the type's <see cref="JobTypeDescription.Request"/>.</param>
    /// <param name="report">Told how far the job is, one call at a time; last when it has ended.</param>
    /// <exception cref="Failures.FailureException">The request was refused, or the job failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; a job that had begun ends with the engine.</exception>
    Task<FinishedJob> RunAsync(string type, HostedModel model, object request, Action<JobProgress>? report, CancellationToken cancellationToken);
}

/// <summary>A job that ended with results; they can be read as long as its engine runs.</summary>
public sealed class FinishedJob(JobSnapshot job, IJobResults results)
{
    public JobSnapshot Job => job;

    /// <summary>Opens a result for reading.</summary>
    /// <exception cref="Failures.FailureException">There is no such result.</exception>
    public async Task<Stream> OpenAsync(string name, CancellationToken cancellationToken) =>
        (await results.OpenResultAsync(job.Id, name, cancellationToken)).OrThrow().Content;

    /// <exception cref="Failures.FailureException">There is no such result.</exception>
    public async Task<byte[]> ReadAsync(string name, CancellationToken cancellationToken)
    {
        await using Stream content = await OpenAsync(name, cancellationToken);
        var bytes = new byte[content.Length];
        await content.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }
}
