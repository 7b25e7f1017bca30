using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Files;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Jobs.Lifecycle;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>Uploaded rows as clients manage them. Thread-safe.</summary>
public interface IDatasetService : IDatasets
{
    /// <summary>A file for what is being uploaded, empty; it goes when it is closed.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    FileStream Stage();

    /// <summary>Reads what was uploaded and keeps it under a name. The same rows under the same name again change nothing.</summary>
    /// <param name="rows">Seekable.</param>
    /// <param name="labels">Null where the rows hold them or there are none.</param>
    /// <param name="room">Bytes that all datasets of the tenant may take together; null without a quota. Held against them when the dataset is kept, so that uploads at the same time don't share it.</param>
    /// <returns>
    /// The dataset and whether it is new; field errors where the files can't be read, <see cref="FailureCode.DatasetExists"/>,
    /// <see cref="FailureCode.OverPolicy"/> or <see cref="FailureCode.StorageFailed"/>.
    /// </returns>
    Outcome<(Dataset Dataset, bool IsNew)> Add(string name, Stream rows, Stream? labels, long? room = null);

    /// <summary>Why the dataset stays: it isn't known, or a job that has not ended uses it; null where it is gone.</summary>
    Failure? Delete(string name);

    /// <summary>The first rows as a picture; null where they are no images.</summary>
    byte[]? Draw(Dataset dataset);
}

/// <summary>
/// Datasets on the disk: <c>{DataPath}/datasets/names/{name}.json</c> says what a name stands for, of tenants other than the default one
/// <c>names/{tenant}/{name}.json</c> what <c>{tenant}/{name}</c> stands for; <c>objects/{sha256}.npy</c> holds rows and labels, each content once. A name is written after its objects and removed before them, so that a killed process leaves at most objects
/// without a name, which go at the next start.
/// </summary>
internal sealed partial class DatasetStore(
    IOptions<StorageOptions> storage, IOptions<DatasetOptions> options, JobDisk disk, IDatasetConverter converter, LiveJobs live, TimeProvider clock,
    ILogger<DatasetStore> log) : IDatasetService
{
    private const int DrawnRows = 64;

    private readonly Lock _lock = new();
    private readonly string _root = Path.Combine(Path.GetFullPath(storage.Value.DataPath), "datasets");
    private readonly ConcurrentDictionary<string, IReadOnlyList<string>> _held = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _checked = new(StringComparer.Ordinal);
    private SortedDictionary<string, Dataset>? _names;

    private string Names => Path.Combine(_root, "names");

    private string Objects => Path.Combine(_root, "objects");

    private string Staging => Path.Combine(_root, "staging");

    public IReadOnlyList<Dataset> List()
    {
        lock (_lock)
            return [.. Index().Values];
    }

    public Outcome<Dataset> Find(string name)
    {
        lock (_lock)
        {
            return Index().TryGetValue(name, out Dataset? found)
                ? found : new Failure(FailureCode.DatasetNotFound, $"There is no dataset '{Shown(name)}'.");
        }
    }

    public Stream Open(string sha256)
    {
        string path = ObjectPath(sha256);
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (_checked.ContainsKey(sha256) || JobDisk.HashFile(path) == sha256)
            {
                _checked[sha256] = true;
                return file;
            }
            file.Dispose();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Said below.
        }
        throw new FailureException(new Failure(
            FailureCode.StorageFailed, "The rows of a dataset are missing or damaged.", "Delete the dataset and upload it again."));
    }

    public FileStream Stage()
    {
        DurableFiles.CreateFolder(Staging);
        return new FileStream(Path.Combine(Staging, Guid.NewGuid().ToString("N")), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None,
            bufferSize: 1 << 16, FileOptions.DeleteOnClose);
    }

    /// <summary>What the tenant's datasets take; contents that several share count for each.</summary>
    public long BytesOf(string tenant)
    {
        lock (_lock)
            return Index().Values.Where(dataset => TenantDatasets.TenantOf(dataset.Name) == tenant).Sum(dataset => dataset.Bytes);
    }

    public Outcome<(Dataset Dataset, bool IsNew)> Add(string name, Stream rows, Stream? labels, long? room = null)
    {
        if (!NamePattern().IsMatch(name))
        {
            return Failure.OfFields([new FieldError("name",
                "Must be 1 to 64 letters, digits, '-', '_' and '.', beginning with a letter or a digit.")]);
        }
        try
        {
            return Convert(name, rows, labels, room);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.DatasetNotStored(e, name);
            return StorageFailures.OfRequest;
        }
    }

    public Failure? Delete(string name)
    {
        lock (_lock)
        {
            if (!Index().TryGetValue(name, out Dataset? dataset))
                return new Failure(FailureCode.DatasetNotFound, $"There is no dataset '{Shown(name)}'.");
            string[] objects = ObjectsOf(dataset);
            if (UserOf(dataset) is { } job)
                return new Failure(FailureCode.DatasetInUse, $"{job} uses the dataset '{Shown(name)}' and has not ended.");
            try
            {
                File.Delete(NamePath(name));
                DurableFiles.SyncFolder(DurableFiles.FolderOf(NamePath(name)));
                Index().Remove(name);
                foreach (string sha256 in objects.Where(sha256 => !Index().Values.Any(other => ObjectsOf(other).Contains(sha256))))
                {
                    _checked.TryRemove(sha256, out _);
                    File.Delete(ObjectPath(sha256));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                log.DatasetNotStored(e, name);
                return StorageFailures.OfRequest;
            }
            return null;
        }
    }

    public byte[]? Draw(Dataset dataset)
    {
        using Stream rows = Open(dataset.Sha256);
        return converter.Draw(dataset, rows, DrawnRows);
    }

    /// <summary>Keeps objects until <see cref="Release"/>: their job is about to be taken in.</summary>
    /// <exception cref="FailureException">One is gone: its dataset was deleted meanwhile.</exception>
    public void Hold(string jobId, IReadOnlyList<JobInput> inputs)
    {
        lock (_lock)
        {
            foreach (JobInput input in inputs.Where(input => !File.Exists(ObjectPath(input.Sha256))))
                throw new FailureException(Failure.OfFields([new FieldError(input.Field, "The dataset was deleted meanwhile.")]));
            if (inputs.Count > 0)
                _held[jobId] = [.. inputs.Select(input => input.Dataset).OfType<string>()];
        }
    }

    public void Release(string jobId) => _held.TryRemove(jobId, out _);

    /// <summary>The job that has not ended and reads the dataset, in words for its tenant; null where none does.</summary>
    private string? UserOf(Dataset dataset)
    {
        (string tenant, string name) = (TenantDatasets.TenantOf(dataset.Name), TenantDatasets.NameOf(dataset.Name));
        if (_held.Any(held => held.Value.Contains(name)))
            return "A job that is being taken in";
        return live.InOrder.FirstOrDefault(job => OwnerOf(job) == tenant
            && job.Definition.Spec.Inputs.Any(input => input.Dataset == name && ObjectsOf(dataset).Contains(input.Sha256))) is { } user
            ? $"The job {user.Id}" : null;

        // Jobs say a dataset's own name; where nobody has to authenticate, those of all tenants mean the default one's.
        string OwnerOf(Job job) => Index().ContainsKey(TenantDatasets.FullName(job.Definition.Tenant, name))
            ? job.Definition.Tenant : JobSnapshot.DefaultTenant;
    }

    private Outcome<(Dataset, bool)> Convert(string name, Stream rows, Stream? labels, long? room)
    {
        DatasetOptions limits = options.Value;
        using FileStream rowsTo = Stage(), labelsTo = Stage();
        Outcome<DatasetContent> read = converter.Convert(
            rows, labels, new DatasetLimits(limits.MaxEntries, limits.MaxContentBytes, Stage), rowsTo, labelsTo);
        if (!read.Succeeded)
            return read.Failure;
        DatasetContent content = read.Value;
        bool isLabelled = content.LabelCounts is not null;
        var dataset = new Dataset(name, content.Rows, content.Shape, content.Dtype, content.Min, content.Max, content.IsBinary, HashOf(rowsTo),
            rowsTo.Length + (isLabelled ? labelsTo.Length : 0))
        {
            LabelsSha256 = isLabelled ? HashOf(labelsTo) : null,
            LabelCounts = content.LabelCounts,
            CreatedAt = clock.GetUtcNow(),
        };
        lock (_lock)
        {
            if (Index().TryGetValue(name, out Dataset? known))
            {
                return known.Sha256 == dataset.Sha256 && known.LabelsSha256 == dataset.LabelsSha256
                    ? (known, false)
                    : new Failure(FailureCode.DatasetExists, $"There is a dataset '{Shown(name)}' with other rows.");
            }
            if (room - BytesOf(TenantDatasets.TenantOf(name)) is { } left && dataset.Bytes > left)
                return TenantStorage.TooMuch(dataset.Bytes, Math.Max(0, left));
            if (Index().Count >= limits.MaxDatasets)
                return new Failure(FailureCode.OverPolicy, $"This server keeps {limits.MaxDatasets} datasets.", "Delete one first.");
            Keep(rowsTo, dataset.Sha256);
            if (dataset.LabelsSha256 is { } of)
                Keep(labelsTo, of);
            disk.Write(NamePath(name), JsonSerializer.SerializeToUtf8Bytes(dataset, EbmJson.Indented));
            Index()[name] = dataset;
            return (dataset, true);
        }
    }

    /// <summary>Equal rows are there already: one object for all names.</summary>
    private void Keep(FileStream content, string sha256)
    {
        string path = ObjectPath(sha256);
        if (File.Exists(path))
            return;
        content.Position = 0;
        disk.Write(path, content.CopyTo);
        _checked[sha256] = true;
    }

    private SortedDictionary<string, Dataset> Index()
    {
        if (_names is not null)
            return _names;
        var found = new SortedDictionary<string, Dataset>(StringComparer.Ordinal);
        bool isWhole = true;
        foreach (string path in Directory.Exists(Names) ? Directory.EnumerateFiles(Names, "*.json", SearchOption.AllDirectories) : [])
        {
            try
            {
                Dataset dataset = JsonSerializer.Deserialize<Dataset>(File.ReadAllBytes(path), EbmJson.Options)!;
                found[dataset.Name] = dataset;
            }
            catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
            {
                isWhole = false;
                log.DatasetUnreadable(e, Path.GetFileName(path));
            }
        }
        // What a name that can't be read stands for may be needed.
        if (isWhole)
            Sweep(found.Values);
        return _names = found;
    }

    /// <summary>What a killed process left: files of uploads, and objects whose name was not written or is gone.</summary>
    private void Sweep(IEnumerable<Dataset> known)
    {
        HashSet<string> needed = [.. known.SelectMany(ObjectsOf), .. live.InOrder.SelectMany(job => job.Definition.Spec.Inputs).Select(input => input.Sha256)];
        IEnumerable<string> stray = Directory.Exists(Objects)
            ? Directory.EnumerateFiles(Objects).Where(path => !needed.Contains(Path.GetFileNameWithoutExtension(path))) : [];
        foreach (string path in stray.Concat(Directory.Exists(Staging) ? Directory.EnumerateFiles(Staging) : []).ToArray())
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                log.DatasetNotStored(e, Path.GetFileName(path));
            }
        }
    }

    private string NamePath(string name)
    {
        string tenant = TenantDatasets.TenantOf(name);
        // Upper case is spelt so that tenants keep apart on disks that don't tell it from lower case.
        string folder = tenant == JobSnapshot.DefaultTenant ? Names
            : Path.Combine(Names, string.Concat(tenant.Select(letter => char.IsAsciiLetterUpper(letter) ? $"~{char.ToLowerInvariant(letter)}" : $"{letter}")));
        return Path.Combine(folder, TenantDatasets.NameOf(name) + ".json");
    }

    private string ObjectPath(string sha256) =>
        Path.Combine(Objects, (HashPattern().IsMatch(sha256) ? sha256 : throw new ArgumentException("not a SHA-256", nameof(sha256))) + ".npy");

    private static string[] ObjectsOf(Dataset dataset) =>
        dataset.LabelsSha256 is { } labels ? [dataset.Sha256, labels] : [dataset.Sha256];

    private static string HashOf(FileStream file)
    {
        file.Position = 0;
        return System.Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file));
    }

    private static string Shown(string name) => TenantDatasets.NameOf(name) is { Length: > 64 } shown ? shown[..64] + "..." : TenantDatasets.NameOf(name);

    /// <summary>A tenant's name and a slash may stand before the dataset's own.</summary>
    [GeneratedRegex(@"\A([A-Za-z0-9][A-Za-z0-9._-]{0,63}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    private static partial Regex HashPattern();
}
