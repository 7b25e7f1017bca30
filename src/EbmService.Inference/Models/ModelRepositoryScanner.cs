using System.Diagnostics;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using Microsoft.Extensions.Logging;

namespace EbmService.Inference.Models;

/// <summary>Looks through the repository's folder; what is wrong with one version stays with that version.</summary>
internal sealed class ModelRepositoryScanner(string root, ILogger logger)
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
        var repository = new RepositoryFolder(root);
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
            versions = [.. RepositoryFolder.Subfolders(folder).Where(version => IsCandidate(version) && IsVersion(Path.Combine(folder, version)))];
            if (versions.Count == 0 && !File.Exists(Path.Combine(folder, ModelFiles.Descriptor)))
                return [];
            var reader = new ModelVersionReader(repository);
            (ModelDescriptor descriptor, ArchitectureShapes shapes) = reader.ReadDescriptor(folder, name);
            if (versions.Count == 0)
                throw new InvalidModelException("it has no versions");
            return [.. versions.Select(version => ScanVersion(repository, reader, descriptor, shapes, new ModelKey(name, version), loaded))];
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
        File.Exists(Path.Combine(folder, ModelFiles.Manifest)) || File.Exists(Path.Combine(folder, ModelFiles.Weights));
}
