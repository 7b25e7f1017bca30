using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Inference.Models;

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
            return new Failure(FailureCode.VersionNotFound, $"The model '{name}' has no version '{version}'.", $"It has: {string.Join(", ", versions.Select(model => model.Key.Version))}.");
        return found.State == ModelState.Ready ? found : Unavailable(found);
    }

    private static Outcome<HostedModel> Unavailable(HostedModel model) => new Failure(
        FailureCode.ModelUnavailable, $"The model '{model.Key.Name}' is unavailable: {model.Reason}.", "Ask the operator to repair its files and reload it.");
}
