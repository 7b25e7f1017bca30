using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Files;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;

namespace EbmService.Inference.Models;

/// <summary>
/// Puts an uploaded version into the repository: 1. its names are checked, and that there is no such version. 2. It is written to a hidden
/// folder beside the models. 3. It is read there as any version is read, with every check. 4. Its folder is renamed to its place. So the
/// repository has it whole or not at all, and never over another one. A killed process leaves the hidden folder behind
/// (<see cref="RemoveLeftovers"/>); a lock file beside it, which the system unlocks when its process ends, tells it from one in use.
/// </summary>
internal sealed class UploadWriter(string root, IReadOnlyList<string> linkTargets)
{
    private const string StagingPrefix = ".upload.", StagingSuffix = ".tmp";

    /// <summary>Removes what uploads of processes that were killed have left in the repository; what can't be removed stays.</summary>
    /// <param name="before">In UTC: what was changed later is left alone, for not every file system has locks.</param>
    /// <returns>Names of the folders that were removed.</returns>
    internal IReadOnlyList<string> RemoveLeftovers(DateTime before)
    {
        try
        {
            // Of what is not there the time is long ago: a lock file may be alone.
            return [.. Directory.GetFileSystemEntries(root, $"{StagingPrefix}*").Select(path => Path.ChangeExtension(path, StagingSuffix)).Distinct()
                .Where(staging => Directory.GetLastWriteTimeUtc(staging) < before && TryRemove(staging)).Select(staging => Path.GetFileName(staging))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool TryRemove(string staging)
    {
        try
        {
            using FileStream use = Lock(staging);
            if (Directory.Exists(staging))
                Directory.Delete(staging, recursive: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <exception cref="IOException">Another one holds it.</exception>
    private static FileStream Lock(string staging) => new(
        Path.ChangeExtension(staging, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);

    /// <returns>Null when the version is in its place, or why it is not.</returns>
    internal Failure? Write(ModelUpload upload)
    {
        (string name, string version) = upload.Key;
        if (NameFaults(upload.Key) is { Count: > 0 } faults)
            return Failure.OfFields(faults);
        string folder = Path.Combine(root, name);
        if (Path.Exists(Path.Combine(folder, version)))
        {
            return new Failure(FailureCode.VersionExists, $"The model '{name}' has a version '{version}'.",
                "A version never changes: upload it under a new version.");
        }
        string staging = Path.Combine(root, $"{StagingPrefix}{Guid.NewGuid():N}{StagingSuffix}");
        try
        {
            using FileStream use = Lock(staging);
            var repository = new RepositoryFolder(root, linkTargets);
            bool isNew = !Path.Exists(folder);
            repository.CheckWithin(isNew ? root : folder);
            byte[]? present = isNew ? null : repository.TryRead(folder, ModelFiles.Descriptor, ModelLimits.MaxDescriptorFile);
            // Its version alone would be published, which nobody can serve.
            if (!isNew && present is null)
                return Fault("model", $"There is a folder '{name}' without {ModelFiles.Descriptor}: choose a new name, or have the operator remove it.");
            if ((upload.Descriptor?.ToArray() ?? present) is not { } descriptor)
                return Fault("descriptor", "A new model needs its model.json.");
            Stage(staging, upload, descriptor);
            if (Check(new ModelVersionReader(repository), staging, upload.Key, present) is { } refusal)
                return refusal;
            Publish(staging, folder, version, isNew);
            return null;
        }
        catch (InvalidModelException e)
        {
            return Fault("model", e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureCode.StorageFailed, "The version can't be written to the model repository.",
                "The operator must free space there, or allow this process to write to it.");
        }
        finally
        {
            if (Directory.Exists(staging))
                Directory.Delete(staging, recursive: true);
        }
    }

    private static List<FieldError> NameFaults(ModelKey key)
    {
        const string Rule = "It must begin with a letter or digit and have at most 64 letters, digits, dots, hyphens and underscores.";
        List<FieldError> faults = [];
        if (!ModelNames.IsValid(key.Name))
            faults.Add(new FieldError("model", Rule));
        if (!ModelNames.IsValid(key.Version))
            faults.Add(new FieldError("version", Rule));
        return faults;
    }

    private static void Stage(string staging, ModelUpload upload, byte[] descriptor)
    {
        string folder = Path.Combine(staging, upload.Key.Version);
        DurableFiles.CreateFolder(staging);
        DurableFiles.CreateFolder(folder);
        DurableFiles.Replace(Path.Combine(staging, ModelFiles.Descriptor), descriptor);
        var hashes = new Dictionary<string, string>();
        foreach ((string name, ReadOnlyMemory<byte>? content) in new[]
        {
            (ModelFiles.Weights, upload.Weights), (ModelFiles.Buffer, upload.Buffer), (ModelFiles.Calibration, upload.Calibration),
        })
        {
            if (content is not { } bytes)
                continue;
            DurableFiles.Replace(Path.Combine(folder, name), bytes.Span);
            hashes[name] = RepositoryFolder.Sha256(bytes.Span);
        }
        ModelVersionWriter.WriteManifest(folder, new ModelVersionManifest { Version = upload.Key.Version, Files = hashes, Provenance = upload.Provenance });
    }

    /// <param name="present">The descriptor that the model has; another one would change its other versions.</param>
    private static Failure? Check(ModelVersionReader reader, string staging, ModelKey key, byte[]? present)
    {
        ModelDescriptor descriptor;
        ArchitectureShapes shapes;
        try
        {
            (descriptor, shapes) = reader.ReadDescriptor(staging, key.Name);
        }
        catch (InvalidModelException e)
        {
            return Fault("descriptor", e.Message);
        }
        if (descriptor.Architecture.Spec().Family().TakesModule)
            return Fault("descriptor", $"A network of kind '{descriptor.Architecture.Kind}' is code, which is never taken by upload.");
        if (present is not null && !IsSame(File.ReadAllBytes(Path.Combine(staging, ModelFiles.Descriptor)), present))
        {
            return Fault("descriptor",
                $"It differs from that of the model '{key.Name}', which all its versions share: leave it out, or choose a new name.");
        }
        try
        {
            reader.Read(descriptor, shapes, Path.Combine(staging, key.Version), key);
            return null;
        }
        catch (InvalidModelException e)
        {
            return Fault("files", e.Message);
        }
    }

    private static bool IsSame(byte[] sent, byte[] present) => JsonNode.DeepEquals(Node(sent), Node(present));

    /// <summary>With every default filled in, so that it does not matter which of them a file spells out.</summary>
    private static JsonNode? Node(byte[] json)
    {
        var descriptor = ModelJson.Parse<ModelDescriptor>(json, ModelFiles.Descriptor);
        return JsonSerializer.SerializeToNode(descriptor with { Architecture = descriptor.Architecture.Spec() }, EbmJson.Options);
    }

    private void Publish(string staging, string folder, string version, bool isNew)
    {
        Directory.Move(isNew ? staging : Path.Combine(staging, version), isNew ? folder : Path.Combine(folder, version));
        DurableFiles.SyncFolder(isNew ? root : folder);
    }

    private static Failure Fault(string field, string message) => Failure.OfFields([new FieldError(field, message)]);
}
