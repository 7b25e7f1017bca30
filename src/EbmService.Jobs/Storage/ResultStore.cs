using System.Globalization;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Results of jobs: <c>results/{name}</c>, and until those are made <c>blocks/{index}</c> with what the block last reported beside it. Thread-safe.
/// </summary>
internal sealed class ResultStore(JobFolders folders, JobDisk disk)
{
    /// <summary>Stores all files; an earlier set of the job is replaced.</summary>
    public IReadOnlyList<ResultEntry> WriteResults(string id, IReadOnlyList<ResultFile> files) =>
        [.. files.Select(file => new ResultEntry(
            file.Name, file.MediaType, file.Content.Length, disk.Write(folders.File(id, JobFolders.Results, file.Name), file.Content)))];

    /// <summary>Opens a stored file; null when it is missing or not as long as it was written.</summary>
    public Stream? OpenResult(string id, ResultEntry entry)
    {
        string path = folders.File(id, JobFolders.Results, entry.Name);
        if (!File.Exists(path))
            return null;
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        if (stream.Length == entry.Size)
            return stream;
        stream.Dispose();
        return null;
    }

    /// <returns>SHA-256 of the content, for <see cref="ReadBlock"/>.</returns>
    public string WriteBlock(string id, int index, ReadOnlySpan<byte> content, StepReport report)
    {
        disk.Write(ReportPath(id, index), BlockReportFile.Write(report));
        return disk.Write(BlockPath(id, index), content);
    }

    /// <exception cref="InvalidDataException">The bytes are missing or not those that were written.</exception>
    public byte[] ReadBlock(string id, int index, string sha256)
    {
        try
        {
            byte[] content = File.ReadAllBytes(BlockPath(id, index));
            return JobDisk.Hash(content) == sha256 ? content : throw new InvalidDataException("a stored block result is damaged");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException("a stored block result can't be read", e);
        }
    }

    /// <summary>What the block said when it was done; null where that can't be read, which costs figures only.</summary>
    public StepReport? ReadReport(string id, int index)
    {
        try
        {
            return BlockReportFile.Read(File.ReadAllBytes(ReportPath(id, index)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    private string BlockPath(string id, int index) => folders.File(id, JobFolders.Blocks, Name(index));

    private string ReportPath(string id, int index) => folders.File(id, JobFolders.Blocks, Name(index) + ".report");

    private static string Name(int index) => index.ToString("D6", CultureInfo.InvariantCulture);
}
