using System.Globalization;
using System.Text.RegularExpressions;
using EbmService.Core.Files;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>Where the files of jobs are: <c>{DataPath}/jobs/{id}/{kind}</c>. Nothing outside can be named.</summary>
internal sealed partial class JobFolders(IOptions<StorageOptions> options)
{
    public const string Results = "results";
    public const string Blocks = "blocks";
    public const string Checkpoints = "checkpoints";
    public const string Inputs = "inputs";

    private static readonly long LatestTime = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public string Root { get; } = Path.Combine(Path.GetFullPath(options.Value.DataPath), "jobs");

    public static bool IsValidName(string name) => NamePattern().IsMatch(name);

    public static bool IsValidId(string id) => IdPattern().IsMatch(id);

    public string Of(string id) => Path.Combine(Root, IsValidId(id) ? id : throw new ArgumentException("not a job id", nameof(id)));

    public string Of(string id, string kind) => Path.Combine(Of(id), kind);

    public string File(string id, string kind, string name) =>
        Path.Combine(Of(id, kind),
            IsValidName(name) ? name : throw new ArgumentException($"'{name}' is no name for a job's file", nameof(name)));

    /// <summary>The ids of all jobs that have a folder.</summary>
    public IEnumerable<string> All() => Directory.Exists(Root)
        ? Directory.EnumerateDirectories(Root).Select(path => Path.GetFileName(path)).Where(IsValidId) : [];

    /// <summary>Bytes of a job's files; 0 without a folder.</summary>
    public long SizeOf(string id)
    {
        var folder = new DirectoryInfo(Of(id));
        return folder.Exists ? folder.EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) : 0;
    }

    /// <summary>When the job of that id was taken in: the first half of a UUID of version 7 is a time.</summary>
    public static DateTimeOffset TimeOf(string id) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(long.Parse(id.AsSpan(0, 12), NumberStyles.HexNumber, CultureInfo.InvariantCulture), LatestTime));

    public void Delete(string id) => DeleteFolder(Of(id));

    public void Delete(string id, string kind) => DeleteFolder(Of(id, kind));

    public static void DeleteFolder(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    /// <summary>
    /// Removes at start what earlier processes left behind: folders of jobs that the database no longer knows, what ended jobs
    /// don't need, and files whose writing was cut short.
    /// </summary>
    /// <param name="needed">What each job of the database needs.</param>
    /// <param name="failed">Told of each job whose files could not be removed.</param>
    public void Sweep(IReadOnlyDictionary<string, NeededFiles> needed, Action<Exception, string> failed)
    {
        DurableFiles.CreateFolder(Root);
        foreach (string folder in Directory.EnumerateDirectories(Root))
        {
            string id = Path.GetFileName(folder);
            if (!IsValidId(id))
                continue;
            try
            {
                Sweep(folder, needed.GetValueOrDefault(id, NeededFiles.None));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failed(e, id);
            }
        }
    }

    private static void Sweep(string folder, NeededFiles needed)
    {
        if (needed == NeededFiles.None)
        {
            DeleteFolder(folder);
            return;
        }
        string[] idle = needed switch
        {
            NeededFiles.Results => [Blocks, Checkpoints, Inputs],
            NeededFiles.ResultsAndState => [Blocks],
            _ => [],
        };
        foreach (string kind in idle)
            DeleteFolder(Path.Combine(folder, kind));
        foreach (string file in Directory.EnumerateFiles(folder, "*" + JobDisk.TemporarySuffix, SearchOption.AllDirectories))
            System.IO.File.Delete(file);
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*\z", RegexOptions.NonBacktracking)]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\A[0-9a-f]{32}\z")]
    private static partial Regex IdPattern();
}

/// <summary>What of a job's files is still needed.</summary>
internal enum NeededFiles
{
    /// <summary>Nothing: the job has failed, or there is none.</summary>
    None,

    Results,

    /// <summary>Also the last checkpoints and the inputs: the job may be extended.</summary>
    ResultsAndState,

    /// <summary>The job has not ended.</summary>
    All,
}
