using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Storage;

/// <summary>Files that jobs start from, <c>inputs/{name}</c>: copies, so that their sources may be deleted. Thread-safe.</summary>
internal sealed class JobInputs(JobFolders folders, JobDisk disk) : IJobInputs
{
    public byte[] Read(string jobId, JobInput input) => ReadChecked(folders.File(jobId, JobFolders.Inputs, input.Name), input)
        ?? throw new FailureException(new Failure(FailureCode.StorageFailed,
            $"The file '{input.Name}' that the job starts from is missing or damaged.", "Submit the job again."));

    /// <summary>Copies a result of another job; false when it is missing, damaged or not the one that is meant.</summary>
    public bool TryTake(string jobId, JobInput input) =>
        TryCopy(folders.File(input.FromJob, JobFolders.Results, input.Result), jobId, input);

    /// <summary>Copies another job's inputs.</summary>
    /// <exception cref="FailureException">One is missing or damaged.</exception>
    public void CopyAll(string fromJob, string toJob, IReadOnlyList<JobInput> all)
    {
        foreach (JobInput input in all)
            Write(toJob, input, Read(fromJob, input));
    }

    private bool TryCopy(string source, string jobId, JobInput input)
    {
        if (ReadChecked(source, input) is not { } content)
            return false;
        Write(jobId, input, content);
        return true;
    }

    private void Write(string jobId, JobInput input, byte[] content) =>
        disk.Write(folders.File(jobId, JobFolders.Inputs, input.Name), content);

    private static byte[]? ReadChecked(string path, JobInput input)
    {
        try
        {
            byte[] content = File.ReadAllBytes(path);
            return string.Equals(JobDisk.Hash(content), input.Sha256, StringComparison.OrdinalIgnoreCase) ? content : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
