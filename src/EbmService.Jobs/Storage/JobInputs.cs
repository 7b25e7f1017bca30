using System.Collections.Concurrent;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Files that jobs start from, <c>inputs/{name}</c>: copies, so that their sources may be deleted; but for those of datasets, which are read
/// where they lie. Never held in memory as a whole. Thread-safe.
/// </summary>
internal sealed class JobInputs(JobFolders folders, JobDisk disk, IDatasets datasets) : IJobInputs
{
    /// <value>Files whose hash was compared in this process already, by path.</value>
    private readonly ConcurrentDictionary<string, bool> _checked = new(StringComparer.Ordinal);

    public Stream Open(string jobId, JobInput input) => input.IsDataset
        ? datasets.Open(input.Sha256)
        : TryOpen(folders.File(jobId, JobFolders.Inputs, input.Name), input) ?? throw Damaged(input);

    /// <summary>Copies a result of another job; false when it is missing, damaged or not the one that is meant.</summary>
    public bool TryTake(string jobId, JobInput input)
    {
        using Stream? source = TryOpen(folders.File(input.FromJob!, JobFolders.Results, input.Result!), input);
        if (source is null)
            return false;
        Write(jobId, input, source.CopyTo);
        return true;
    }

    /// <summary>Stores a file that came with the request.</summary>
    public void Attach(string jobId, JobInput input, byte[] content) => Write(jobId, input, stream => stream.Write(content));

    /// <summary>Copies another job's inputs.</summary>
    /// <exception cref="FailureException">One is missing or damaged.</exception>
    public void CopyAll(string fromJob, string toJob, IReadOnlyList<JobInput> all)
    {
        foreach (JobInput input in all.Where(input => !input.IsDataset))
        {
            using Stream source = Open(fromJob, input);
            Write(toJob, input, source.CopyTo);
        }
    }

    /// <summary>Keeps nothing of a job's files in memory.</summary>
    public void Forget(string jobId)
    {
        string folder = folders.Of(jobId) + Path.DirectorySeparatorChar;
        foreach (string path in _checked.Keys.Where(path => path.StartsWith(folder, StringComparison.Ordinal)))
            _checked.TryRemove(path, out _);
    }

    private void Write(string jobId, JobInput input, Action<Stream> write)
    {
        string path = folders.File(jobId, JobFolders.Inputs, input.Name);
        if (!Same(disk.Write(path, write).Sha256, input))
            throw new InvalidDataException("an input is not the file that was checked");
        _checked[path] = true;
    }

    private static bool Same(string sha256, JobInput input) => string.Equals(sha256, input.Sha256, StringComparison.OrdinalIgnoreCase);

    private static FailureException Damaged(JobInput input) => new(new Failure(
        FailureCode.StorageFailed, $"The file '{input.Name}' that the job starts from is missing or damaged.", "Submit the job again."));

    /// <summary>Null where the file is missing or another one than is meant.</summary>
    private FileStream? TryOpen(string path, JobInput input)
    {
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (_checked.ContainsKey(path) || Same(JobDisk.HashFile(path), input))
            {
                _checked[path] = true;
                return file;
            }
            file.Dispose();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            // As good as damaged.
        }
        return null;
    }
}
