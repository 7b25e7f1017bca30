namespace EbmService.Core.Jobs;

/// <summary>
/// Files that blocks append to as they go, for what grows with the steps: it is in memory only until it is appended, and not part of a checkpoint. One
/// writer per block. Thread-safe.
/// </summary>
public interface IJobLogs
{
    /// <summary>Appends at a byte of the log and returns once it is on the disk. What was behind that byte goes: a run that a checkpoint takes up again has written it.</summary>
    /// <param name="at">0, or where an earlier append ended.</param>
    /// <exception cref="Failures.FailureException">The disk is full, or the log up to that byte is missing or damaged.</exception>
    void Append(string jobId, int block, long at, ReadOnlyMemory<byte> content);

    /// <summary>Opens the log's first bytes for reading: a seekable stream that the caller disposes.</summary>
    /// <exception cref="InvalidDataException">They are missing or damaged.</exception>
    Stream Open(string jobId, int block, long length);
}
