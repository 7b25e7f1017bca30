using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Models;

/// <summary>
/// The models of one folder: <c>NAME/model.json</c>, <c>NAME/VERSION/version.json</c> and its files. Read whole and checked at construction
/// and at <see cref="Reload"/>; tensors are not kept but read again, and checked again, when a version goes to the device. Thread-safe:
/// readers see the old set or the new one.
/// </summary>
public sealed class ModelRepository
{
    private readonly Lock _changing = new();
    private readonly ModelRepositoryScanner _scanner;

    /// <summary>Taken out of service by command; without a version: all that the model has or will have.</summary>
    private readonly HashSet<(string Name, string? Version)> _unloaded = [];
    private readonly RepositoryLooks _looks;
    private readonly UploadWriter _uploads;
    private volatile ModelSet _models;

    public ModelRepository(IOptions<ModelsOptions> options, ILogger<ModelRepository> logger, IOptions<TrainingOptions>? training = null)
    {
        string root = Locate(options.Value.Path);
        // Before the first reading, so that what changes during it is read again.
        _looks = new RepositoryLooks(root);
        _uploads = new UploadWriter(root, options.Value.AllowedLinkTargets);
        // A process that adds no versions only reads the folder.
        if (options.Value.AllowUpload || options.Value.AllowComposition || training?.Value.Enabled is true)
            RemoveLeftovers(logger);
        _scanner = new ModelRepositoryScanner(root, options.Value, logger);
        _models = new ModelSet(_scanner.Scan());
    }

    /// <summary>
    /// Reads the folder again and swaps the set; a model that became unreadable becomes unavailable, an unloaded one stays so. One call
    /// after the other, so that what was read earlier never replaces what was read later.
    /// </summary>
    public void Reload()
    {
        lock (_changing)
            _models = new ModelSet(_scanner.Scan().Select(Marked));
    }

    /// <summary>Every version of every model, by name, newest version first.</summary>
    public IReadOnlyList<HostedModel> List() => _models.Listed;

    /// <inheritdoc cref="IModelCatalog.Find(string, string?)"/>
    public Outcome<HostedModel> Find(string name, string? version = null) => _models.Find(name, version);

    /// <summary>A ready version with its tensors.</summary>
    /// <returns>The model, or the failures of <see cref="Find"/>.</returns>
    public Outcome<LoadedModel> Load(ModelKey key)
    {
        Outcome<HostedModel> found = Find(key.Name, key.Version);
        return found.Succeeded ? Load(found.Value) : found.Failure;
    }

    /// <summary>The tensors of a version that was found ready, hosted now or not.</summary>
    internal Outcome<LoadedModel> Load(HostedModel hosted) => _scanner.Read(hosted);

    /// <summary>What a model's folder holds now, newest version first; nothing of it is served by this.</summary>
    internal IReadOnlyList<HostedModel> Read(string name) => new ModelSet(_scanner.Scan(name)).Listed;

    /// <summary>What a model's folder says of training it.</summary>
    /// <returns>Null where there is no such folder.</returns>
    /// <exception cref="InvalidModelException">Its descriptor can't be used.</exception>
    internal ModelFolder? ReadFolder(string name) => _scanner.ReadFolder(name);

    /// <summary>Models whose folders have changed since they were last taken, and are not changing now. One call after the other.</summary>
    internal IReadOnlyList<string> TakeChanges() => _looks.TakeChanges();

    /// <summary>Puts an uploaded version into the folder; nothing of it is served by this.</summary>
    /// <returns>Why it was refused, or null.</returns>
    internal Failure? Add(ModelUpload upload) => _uploads.Write(upload);

    /// <summary>Serves these versions of the model in place of those that it had.</summary>
    internal void Host(string name, IReadOnlyList<HostedModel> versions)
    {
        lock (_changing)
            _models = new ModelSet([.. _models.Listed.Where(model => model.Key.Name != name), .. versions.Select(Marked)]);
    }

    /// <summary>The named version, or all of the model, may be served again.</summary>
    /// <param name="present">The versions that the model has now.</param>
    internal void Allow(string name, string? version, IReadOnlyList<HostedModel> present)
    {
        lock (_changing)
        {
            bool all = _unloaded.Remove((name, null));
            if (version is null)
                _unloaded.RemoveWhere(mark => mark.Name == name);
            else if (all)
                _unloaded.UnionWith(present.Select(model => (name, (string?)model.Key.Version)));
            _unloaded.Remove((name, version));
        }
    }

    /// <summary>Takes the named version, or all of the model, out of service.</summary>
    internal void Unload(string name, string? version)
    {
        lock (_changing)
        {
            _unloaded.Add((name, version));
            _models = new ModelSet(_models.Listed.Select(Marked));
        }
    }

    /// <summary>As it is hosted: unloaded where it was taken out of service.</summary>
    internal HostedModel Marked(HostedModel model) =>
        model.State == ModelState.Ready && (IsUnloaded(model.Key.Name, null) || IsUnloaded(model.Key.Name, model.Key.Version))
            ? model with { State = ModelState.Unloaded } : model;

    private bool IsUnloaded(string name, string? version) => _unloaded.Contains((name, version));

    private void RemoveLeftovers(ILogger logger)
    {
        using var self = Process.GetCurrentProcess();
        foreach (string name in _uploads.RemoveLeftovers(self.StartTime.ToUniversalTime()))
            ModelLog.LeftoverRemoved(logger, name);
    }

    /// <summary>The repository's folder: from the working directory, or beside the program.</summary>
    internal static string Locate(string path)
    {
        string here = Path.GetFullPath(path);
        return Directory.Exists(here) ? here : Path.GetFullPath(path, AppContext.BaseDirectory);
    }
}
