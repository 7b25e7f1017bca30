using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Models;

/// <summary>
/// The models of one folder: <c>NAME/model.json</c>, <c>NAME/VERSION/version.json</c> and its files. Read whole at construction and at
/// <see cref="Reload"/>; between them the disk is not looked at. Thread-safe: readers see the old set or the new one.
/// </summary>
public sealed class ModelRepository : IModelCatalog
{
    private readonly Lock _scanning = new();
    private readonly ModelRepositoryScanner _scanner;
    private volatile ModelSet _models;

    public ModelRepository(IOptions<ModelsOptions> options, ILogger<ModelRepository> logger)
    {
        _scanner = new ModelRepositoryScanner(Locate(options.Value.Path), options.Value, logger);
        _models = _scanner.Scan();
    }

    /// <summary>
    /// Reads the folder again and swaps the set; a model that became unreadable becomes unavailable. One call after the other, so
    /// that what was read earlier never replaces what was read later.
    /// </summary>
    public void Reload()
    {
        lock (_scanning)
            _models = _scanner.Scan();
    }

    void IModelCatalog.Refresh() => Reload();

    /// <inheritdoc/>
    public IReadOnlyList<HostedModel> List() => _models.Listed;

    /// <inheritdoc/>
    public Outcome<HostedModel> Find(string name, string? version = null) => _models.Find(name, version);

    /// <summary>A ready version with its tensors.</summary>
    /// <returns>The model, or the failures of <see cref="Find"/>.</returns>
    public Outcome<LoadedModel> Load(ModelKey key)
    {
        ModelSet models = _models;
        Outcome<HostedModel> found = models.Find(key.Name, key.Version);
        return found.Succeeded ? models.Loaded[key] : found.Failure;
    }

    private static string Locate(string path)
    {
        string here = Path.GetFullPath(path);
        return Directory.Exists(here) ? here : Path.GetFullPath(path, AppContext.BaseDirectory);
    }
}

/// <summary>Configuration section <c>Models</c>.</summary>
public sealed class ModelsOptions
{
    public const string Section = "Models";

    public const string DefaultPath = "deploy/models";

    /// <value>
    /// The repository's folder. A relative path is sought from the working
    /// directory, then beside the program. Default deploy/models.
    /// </value>
    [Required]
    public string Path { get; set; } = DefaultPath;

    /// <value>
    /// Folders outside the repository that links in it may lead to, for example the blobs of a Hugging Face cache; none by default.
    /// Environment: Models__AllowedLinkTargets__0.
    /// </value>
    public IReadOnlyList<string> AllowedLinkTargets { get; set; } = [];

    /// <value>
    /// Whether versions that are TorchScript may be served. TorchScript is code: whoever can write into the repository can then run
    /// code as this process. Default false.
    /// </value>
    public bool AllowTorchScript { get; set; }
}

/// <summary>Looks through the repository's folder; what is wrong with one version stays with that version.</summary>
internal sealed class ModelRepositoryScanner(string root, ModelsOptions options, ILogger logger)
{
    internal ModelSet Scan()
    {
        var hosted = new List<HostedModel>();
        var loaded = new Dictionary<ModelKey, LoadedModel>();
        if (!Directory.Exists(root))
        {
            ModelLog.NoRepository(logger, root);
            return new ModelSet(hosted, loaded);
        }
        var repository = new RepositoryFolder(root, options.AllowedLinkTargets);
        foreach (string name in RepositoryFolder.Subfolders(root).Where(IsCandidate))
            hosted.AddRange(ScanModel(repository, name, loaded));
        return new ModelSet(hosted, loaded);
    }

    private List<HostedModel> ScanModel(RepositoryFolder repository, string name, Dictionary<ModelKey, LoadedModel> loaded)
    {
        string folder = Path.Combine(repository.Root, name);
        List<string> versions = [];
        try
        {
            repository.CheckWithin(folder);
            versions = [.. RepositoryFolder.Subfolders(folder)
                .Where(version => IsCandidate(version) && IsVersion(Path.Combine(folder, version)))];
            if (versions.Count == 0 && !File.Exists(Path.Combine(folder, ModelFiles.Descriptor)))
                return [];
            var reader = new ModelVersionReader(repository, options.AllowTorchScript);
            (ModelDescriptor descriptor, ArchitectureShapes shapes) = reader.ReadDescriptor(folder, name);
            if (versions.Count == 0)
                throw new InvalidModelException("it has no versions");
            return [.. versions.Select(
                version => ScanVersion(repository, reader, descriptor, shapes, new ModelKey(name, version), loaded))];
        }
        catch (Exception e) when (Reason(e) is not null)
        {
            return [.. versions.DefaultIfEmpty("").Select(version => Unavailable(new ModelKey(name, version), e))];
        }
    }

    private HostedModel ScanVersion(
        RepositoryFolder repository, ModelVersionReader reader, ModelDescriptor descriptor, ArchitectureShapes shapes,
        ModelKey key, Dictionary<ModelKey, LoadedModel> loaded)
    {
        string folder = Path.Combine(repository.Root, key.Name, key.Version);
        try
        {
            repository.CheckWithin(folder);
            long start = Stopwatch.GetTimestamp();
            LoadedModel model = reader.Read(descriptor, shapes, folder, key);
            loaded[key] = model;
            ModelLog.Loaded(logger, key, model.Hosted.Digest, model.Hosted.ParameterCount, Stopwatch.GetElapsedTime(start).TotalSeconds);
            return model.Hosted;
        }
        catch (Exception e) when (Reason(e) is not null)
        {
            return Unavailable(key, e);
        }
    }

    private HostedModel Unavailable(ModelKey key, Exception exception)
    {
        string reason = Reason(exception)!;
        ModelLog.Unavailable(logger, key, reason, exception is InvalidModelException ? null : exception);
        return new HostedModel { Key = key, State = ModelState.Unavailable, Reason = reason };
    }

    /// <summary>Words without a path; null for what is no fault of the model's files.</summary>
    private static string? Reason(Exception exception) => exception switch
    {
        InvalidModelException invalid => invalid.Message,
        UnauthorizedAccessException => "a file may not be read by this process",
        IOException => "a file can't be read",
        OutOfMemoryException => null,
        _ => "an unexpected fault while reading it; the log has the details",
    };

    private bool IsCandidate(string name)
    {
        if (ModelNames.IsValid(name))
            return true;
        // Names with a leading dot are temporary folders and other tools' own.
        if (!name.StartsWith('.'))
            ModelLog.NameNotAllowed(logger, name);
        return false;
    }

    private static bool IsVersion(string folder) =>
        new[] { ModelFiles.Manifest, ModelFiles.Weights, ModelFiles.Module }.Any(name => File.Exists(Path.Combine(folder, name)));
}

/// <summary>What one look at the repository found. Immutable.</summary>
internal sealed class ModelSet
{
    private readonly ILookup<string, HostedModel> _byName;

    internal ModelSet(IReadOnlyList<HostedModel> hosted, IReadOnlyDictionary<ModelKey, LoadedModel> loaded)
    {
        Listed = [.. hosted.OrderBy(model => model.Key.Name, StringComparer.Ordinal)
            .ThenByDescending(model => model.Key.Version, VersionOrder.Instance)];
        Loaded = loaded;
        _byName = Listed.ToLookup(model => model.Key.Name, StringComparer.Ordinal);
    }

    /// <value>By name, newest version first.</value>
    internal IReadOnlyList<HostedModel> Listed { get; }

    /// <value>The ready ones.</value>
    internal IReadOnlyDictionary<ModelKey, LoadedModel> Loaded { get; }

    internal Outcome<HostedModel> Find(string name, string? version)
    {
        HostedModel[] versions = [.. _byName[name]];
        if (versions.Length == 0)
            return new Failure(FailureCode.ModelNotFound, $"There is no model '{name}'.", "GET /v1/models lists the models.");
        if (version is null)
            return versions.FirstOrDefault(model => model.State == ModelState.Ready) ?? Unavailable(versions[0]);
        if (versions.FirstOrDefault(model => model.Key.Version == version) is not { } found)
            return new Failure(FailureCode.VersionNotFound, $"The model '{name}' has no version '{version}'.",
                $"It has: {string.Join(", ", versions.Select(model => model.Key.Version))}.");
        return found.State == ModelState.Ready ? found : Unavailable(found);
    }

    private static Outcome<HostedModel> Unavailable(HostedModel model) => new Failure(
        FailureCode.ModelUnavailable, $"The model '{model.Key.Name}' is unavailable: {model.Reason}.",
        "Ask the operator to repair its files and reload it.");
}

/// <summary>Orders version names as people read them: runs of digits as numbers, the rest as text; 2 before 10, 1.9 before 1.10.</summary>
public sealed class VersionOrder : IComparer<string>
{
    public static VersionOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> a = x, b = y;
        while (!a.IsEmpty && !b.IsEmpty)
        {
            ReadOnlySpan<char> left = NextRun(ref a), right = NextRun(ref b);
            int order = char.IsAsciiDigit(left[0]) && char.IsAsciiDigit(right[0])
                ? CompareNumbers(left.TrimStart('0'), right.TrimStart('0'))
                : left.SequenceCompareTo(right);
            if (order != 0)
                return order;
        }
        int rest = a.Length - b.Length;
        // 1 and 01 are equal numbers but two folders.
        return rest != 0 ? rest : string.CompareOrdinal(x, y);
    }

    private static int CompareNumbers(ReadOnlySpan<char> a, ReadOnlySpan<char> b) =>
        a.Length != b.Length ? a.Length - b.Length : a.SequenceCompareTo(b);

    private static ReadOnlySpan<char> NextRun(ref ReadOnlySpan<char> text)
    {
        bool digits = char.IsAsciiDigit(text[0]);
        int length = 1;
        while (length < text.Length && char.IsAsciiDigit(text[length]) == digits)
            length++;
        ReadOnlySpan<char> run = text[..length];
        text = text[length..];
        return run;
    }
}

/// <summary>Event ids 3000 to 3019 of Inference's 3000 to 3999; an id is never reused.</summary>
internal static partial class ModelLog
{
    [LoggerMessage(3000, LogLevel.Information, "Model {Key} is ready: {Digest}, {Parameters} parameters, read in {Seconds:F2} s")]
    internal static partial void Loaded(ILogger logger, ModelKey key, string digest, long parameters, double seconds);

    [LoggerMessage(3001, LogLevel.Error, "Model {Key} is unavailable: {Reason}")]
    internal static partial void Unavailable(ILogger logger, ModelKey key, string reason, Exception? exception);

    [LoggerMessage(3002, LogLevel.Warning, "The folder {Name} of the model repository is left out: its name is not allowed")]
    internal static partial void NameNotAllowed(ILogger logger, string name);

    [LoggerMessage(3003, LogLevel.Error, "The model repository {Path} does not exist; set Models:Path")]
    internal static partial void NoRepository(ILogger logger, string path);
}
