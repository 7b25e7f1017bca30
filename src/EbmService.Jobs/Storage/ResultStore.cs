using System.Globalization;
using System.Text.RegularExpressions;
using EbmService.Core.Jobs;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Files of jobs: <c>{DataPath}/jobs/{id}/results/{name}</c>, and <c>.../blocks/{index}</c> until the results are made of them.
/// </summary>
internal sealed partial class ResultStore(IOptions<StorageOptions> options)
{
    private readonly string _root = Path.Combine(Path.GetFullPath(options.Value.DataPath), "jobs");

    public static bool IsValidName(string name) => NamePattern().IsMatch(name);

    public static bool IsValidId(string id) => IdPattern().IsMatch(id);

    /// <summary>Stores all files; an earlier set of the job is replaced.</summary>
    public IReadOnlyList<ResultEntry> WriteResults(string id, IReadOnlyList<ResultFile> files)
    {
        string folder = Folder(id, "results");
        Directory.CreateDirectory(folder);
        return [.. files.Select(file => new ResultEntry(
            file.Name, file.MediaType, file.Content.Length, AtomicFile.Write(Path.Combine(folder, Checked(file.Name)), file.Content)))];
    }

    /// <summary>Opens a stored file; null when it is missing or not as long as it was written.</summary>
    public Stream? OpenResult(string id, ResultEntry entry)
    {
        string path = Path.Combine(Folder(id, "results"), Checked(entry.Name));
        if (!File.Exists(path))
            return null;
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        if (stream.Length == entry.Size)
            return stream;
        stream.Dispose();
        return null;
    }

    /// <returns>SHA-256 of the content, for <see cref="ReadBlock"/>.</returns>
    public string WriteBlock(string id, int index, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Folder(id, "blocks"));
        return AtomicFile.Write(BlockPath(id, index), content);
    }

    /// <exception cref="InvalidDataException">The bytes are not those that were written.</exception>
    public byte[] ReadBlock(string id, int index, string sha256)
    {
        byte[] content = File.ReadAllBytes(BlockPath(id, index));
        return AtomicFile.Hash(content) == sha256 ? content : throw new InvalidDataException("a stored block result is damaged");
    }

    public void DeleteBlocks(string id) => DeleteFolder(Folder(id, "blocks"));

    public void DeleteJob(string id) => DeleteFolder(Path.Combine(_root, CheckedId(id)));

    /// <summary>Removes folders of jobs that the database no longer knows, and files whose writing was cut short.</summary>
    /// <param name="known">The jobs of the database.</param>
    /// <param name="failed">Told of each job whose files could not be removed.</param>
    public void Sweep(IReadOnlySet<string> known, Action<Exception, string> failed)
    {
        Directory.CreateDirectory(_root);
        foreach (string folder in Directory.EnumerateDirectories(_root))
        {
            string id = Path.GetFileName(folder);
            try
            {
                Sweep(folder, isKnown: !IsValidId(id) || known.Contains(id));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failed(e, id);
            }
        }
    }

    private static void Sweep(string folder, bool isKnown)
    {
        if (!isKnown)
        {
            DeleteFolder(folder);
            return;
        }
        foreach (string file in Directory.EnumerateFiles(folder, "*" + AtomicFile.TemporarySuffix, SearchOption.AllDirectories))
            File.Delete(file);
    }

    private static void DeleteFolder(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    private string BlockPath(string id, int index) =>
        Path.Combine(Folder(id, "blocks"), index.ToString("D6", CultureInfo.InvariantCulture));

    private string Folder(string id, string kind) => Path.Combine(_root, CheckedId(id), kind);

    private static string Checked(string name) =>
        IsValidName(name) ? name : throw new ArgumentException($"'{name}' is no name for a result file", nameof(name));

    private static string CheckedId(string id) =>
        IsValidId(id) ? id : throw new ArgumentException("not a job id", nameof(id));

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*\z", RegexOptions.NonBacktracking)]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\A[0-9a-f]{32}\z")]
    private static partial Regex IdPattern();
}
