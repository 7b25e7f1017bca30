using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Training;
using Microsoft.Extensions.Logging;

namespace EbmService.Inference.Models;

/// <summary>Looks through the repository's folder; what is wrong with one version stays with that version.</summary>
internal sealed class ModelRepositoryScanner(string root, ModelsOptions options, ILogger logger)
{
    /// <summary>Every version of every model, read whole and checked.</summary>
    internal List<HostedModel> Scan()
    {
        if (!Directory.Exists(root))
        {
            ModelLog.NoRepository(logger, root);
            return [];
        }
        return [.. RepositoryFolder.Subfolders(root).Where(IsCandidate).SelectMany(Scan)];
    }

    /// <summary>Every version of one model; none where there is no such folder.</summary>
    internal List<HostedModel> Scan(string name)
    {
        var repository = new RepositoryFolder(root, options.AllowedLinkTargets);
        string folder = Path.Combine(repository.Root, name);
        List<string> versions = [];
        if (!ModelNames.IsValid(name) || !Directory.Exists(folder))
            return [];
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
                throw new InvalidModelException("it has no versions yet: train one, or add one");
            return [.. versions.Select(version => ScanVersion(repository, reader, descriptor, shapes, new ModelKey(name, version)))];
        }
        catch (Exception e) when (Reason(e) is not null)
        {
            return [.. versions.DefaultIfEmpty("").Select(version => Unavailable(new ModelKey(name, version), e))];
        }
    }

    /// <returns>Null where there is no such folder.</returns>
    /// <exception cref="InvalidModelException">Its descriptor can't be used.</exception>
    internal ModelFolder? ReadFolder(string name)
    {
        var repository = new RepositoryFolder(root, options.AllowedLinkTargets);
        string folder = Path.Combine(repository.Root, name);
        if (!ModelNames.IsValid(name) || !Directory.Exists(folder))
            return null;
        repository.CheckWithin(folder);
        (ModelDescriptor descriptor, _) = new ModelVersionReader(repository, options.AllowTorchScript).ReadDescriptor(folder, name);
        return new ModelFolder(
            descriptor, repository.TryRead(folder, TrainingPlan.RecipeFile, TrainingPlan.MaxRecipeFile), [.. RepositoryFolder.Subfolders(folder).Where(ModelNames.IsValid)]);
    }

    private HostedModel ScanVersion(
        RepositoryFolder repository, ModelVersionReader reader, ModelDescriptor descriptor, ArchitectureShapes shapes,
        ModelKey key)
    {
        string folder = Path.Combine(repository.Root, key.Name, key.Version);
        try
        {
            repository.CheckWithin(folder);
            long start = Stopwatch.GetTimestamp();
            LoadedModel model = reader.Read(descriptor, shapes, folder, key);
            ModelLog.Loaded(logger, key, model.Hosted.Digest, model.Hosted.ParameterCount, Stopwatch.GetElapsedTime(start).TotalSeconds);
            return model.Hosted;
        }
        catch (Exception e) when (Reason(e) is not null)
        {
            return Unavailable(key, e);
        }
    }

    /// <summary>Reads the tensors of a version that an earlier scan found ready.</summary>
    /// <returns>Those of that very digest, or why they are not there any more.</returns>
    internal Outcome<LoadedModel> Read(HostedModel hosted)
    {
        var repository = new RepositoryFolder(root, options.AllowedLinkTargets);
        string folder = Path.Combine(repository.Root, hosted.Key.Name, hosted.Key.Version);
        ModelDescriptor descriptor = hosted.Descriptor!;
        try
        {
            repository.CheckWithin(folder);
            LoadedModel read = new ModelVersionReader(repository, options.AllowTorchScript).Read(
                descriptor, ArchitectureShapes.Of(descriptor.Architecture.Spec(), descriptor.Input), folder, hosted.Key, tried: hosted);
            return read.Hosted.Digest == hosted.Digest ? read : Gone(hosted.Key, "its files were replaced since they were read");
        }
        catch (Exception e) when (Reason(e) is not null)
        {
            ModelLog.Unavailable(logger, hosted.Key, Reason(e)!, e is InvalidModelException ? null : e);
            return Gone(hosted.Key, Reason(e)!);
        }
    }

    private static Failure Gone(ModelKey key, string reason) => new(
        FailureCode.ModelUnavailable, $"The model '{key.Name}' is unavailable: {reason}.",
        "Ask the operator to repair its files and load it again.");

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

/// <summary>A model's folder as training sees it.</summary>
/// <param name="Training">The bytes of its training.json; null where there is none.</param>
/// <param name="Versions">Names of its subfolders.</param>
internal sealed record ModelFolder(ModelDescriptor Descriptor, byte[]? Training, IReadOnlyList<string> Versions);

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

    [LoggerMessage(3004, LogLevel.Information, "Model {Key} is unloaded")]
    internal static partial void Unloaded(ILogger logger, string key);

    [LoggerMessage(3005, LogLevel.Information, "The folder of model {Name} has changed: {Versions} versions")]
    internal static partial void Changed(ILogger logger, string name, int versions);

    [LoggerMessage(3006, LogLevel.Information, "The folder {Name} of an upload that was broken off is removed")]
    internal static partial void LeftoverRemoved(ILogger logger, string name);
}
