namespace EbmService.Core.Jobs;

/// <summary>A file that a job needs: it came with the request, or is another job's result, copied at admission, so that the source may be deleted.</summary>
/// <param name="Name">The file's name among the job's inputs.</param>
/// <param name="FromJob">The id of the job that made it; null where it came with the request.</param>
/// <param name="Result">The result's name there.</param>
/// <param name="Sha256">64 hex digits over the content.</param>
public sealed record JobInput(string Name, string? FromJob, string? Result, string Sha256);

/// <summary>Reads the input files of jobs. Thread-safe.</summary>
public interface IJobInputs
{
    /// <exception cref="Failures.FailureException">The file is missing or damaged.</exception>
    byte[] Read(string jobId, JobInput input);

    /// <summary>Opens a file for reading in parts: a seekable stream that the caller disposes.</summary>
    /// <exception cref="Failures.FailureException">The file is missing or damaged.</exception>
    Stream Open(string jobId, JobInput input) => new MemoryStream(Read(jobId, input), writable: false);
}
