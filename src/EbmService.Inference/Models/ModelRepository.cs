using EbmService.Core.Failures;
using EbmService.Core.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Models;

/// <summary>
/// The models of one folder: <c>NAME/model.json</c>, <c>NAME/VERSION/version.json</c> and its files. Read whole at construction and at
/// <see cref="Reload"/>; between them the disk is not looked at. Thread-safe: readers see the old set or the new one.
/// </summary>
public sealed class ModelRepository : IModelCatalog
{
    private readonly ModelRepositoryScanner _scanner;
    private volatile ModelSet _models;

    public ModelRepository(IOptions<ModelsOptions> options, ILogger<ModelRepository> logger)
    {
        _scanner = new ModelRepositoryScanner(Locate(options.Value.Path), options.Value.AllowedLinkTargets, logger);
        _models = _scanner.Scan();
    }

    /// <summary>Reads the folder again and swaps the set; a model that became unreadable becomes unavailable.</summary>
    public void Reload() => _models = _scanner.Scan();

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
