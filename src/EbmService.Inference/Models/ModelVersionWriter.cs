using System.Text.Json;
using EbmService.Core.Files;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Formats;

namespace EbmService.Inference.Models;

/// <summary>Writes version folders: complete or not at all.</summary>
public static class ModelVersionWriter
{
    /// <summary>Writes to a hidden folder beside the target, then renames.</summary>
    /// <param name="modelFolder">The model's folder, with its <c>model.json</c>.</param>
    /// <param name="version">The new folder's name.</param>
    /// <param name="replace">Whether an existing version of that name gives way; otherwise it is an error.</param>
    /// <returns>The manifest with the hashes of the files.</returns>
    /// <exception cref="ArgumentException">A name is not allowed.</exception>
    /// <exception cref="IOException">The version exists and <paramref name="replace"/> is false, or the disk failed.</exception>
    public static ModelVersionManifest Write(string modelFolder, string version, ModelVersionContent content, bool replace = false)
    {
        if (!ModelNames.IsValid(version))
            throw new ArgumentException($"'{version}' is not allowed as a version", nameof(version));
        string target = Path.Combine(modelFolder, version);
        if (!replace && Directory.Exists(target))
            throw new IOException($"version '{version}' exists");
        Dictionary<string, byte[]> files = Files(content);
        var manifest = new ModelVersionManifest
        {
            Version = version,
            Files = files.ToDictionary(file => file.Key, file => RepositoryFolder.Sha256(file.Value)),
            BlockSizes = content.BlockSizes,
            Provenance = content.Provenance,
            Metrics = content.Metrics,
        };
        string temporary = Path.Combine(modelFolder, $".{version}.{Guid.NewGuid():N}.tmp");
        try
        {
            DurableFiles.CreateFolder(temporary);
            foreach ((string name, byte[] bytes) in files)
                DurableFiles.Replace(Path.Combine(temporary, name), bytes);
            WriteManifest(temporary, manifest);
            Swap(temporary, target);
            DurableFiles.SyncFolder(modelFolder);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
        return manifest;
    }

    /// <summary>Replaces a version's calibration and its hash in the manifest; all else stays, the version's digest too.</summary>
    public static ModelVersionManifest ReplaceCalibration(
        string versionFolder, ModelVersionManifest manifest, CalibrationContent calibration)
    {
        byte[] bytes = calibration.ToBytes();
        ModelVersionManifest replaced = manifest with
        {
            Files = new Dictionary<string, string>(manifest.Files) { [ModelFiles.Calibration] = RepositoryFolder.Sha256(bytes) },
        };
        DurableFiles.Replace(Path.Combine(versionFolder, ModelFiles.Calibration), bytes);
        WriteManifest(versionFolder, replaced);
        return replaced;
    }

    /// <summary>Replaces <c>version.json</c>, for example to add measured metrics; the other files stay.</summary>
    public static void WriteManifest(string versionFolder, ModelVersionManifest manifest) =>
        DurableFiles.Replace(
            Path.Combine(versionFolder, ModelFiles.Manifest),
            [.. JsonSerializer.SerializeToUtf8Bytes(manifest, EbmJson.Indented), (byte)'\n']);

    /// <returns>The version's files but for its manifest, by name.</returns>
    internal static Dictionary<string, byte[]> Files(ModelVersionContent content)
    {
        var files = new Dictionary<string, byte[]>();
        if (content.Weights.Count > 0)
            files[ModelFiles.Weights] = SafetensorsFile.Write(content.Weights);
        if (content.Module is not null)
            files[ModelFiles.Module] = content.Module;
        if (content.Buffer is not null)
            files[ModelFiles.Buffer] = SafetensorsFile.Write(BufferTensors(content.Buffer, content.BufferLabels));
        if (content.Calibration is not null)
            files[ModelFiles.Calibration] = new CalibrationContent(content.Calibration, content.TypicalityMean).ToBytes();
        foreach ((string name, byte[] bytes) in content.OtherFiles)
        {
            if (!ModelNames.IsValid(name) || name == ModelFiles.Manifest || !files.TryAdd(name, bytes))
                throw new ArgumentException($"'{name}' is not allowed as another file's name", nameof(content));
        }
        return files;
    }

    private static Dictionary<string, SafetensorsTensor> BufferTensors(SafetensorsTensor states, IReadOnlyList<int>? labels)
    {
        var tensors = new Dictionary<string, SafetensorsTensor> { [ModelFiles.BufferStates] = states };
        if (labels is not null)
            tensors[ModelFiles.BufferLabels] = SafetensorsTensor.FromInt64([.. labels.Select(label => (long)label)], [labels.Count]);
        return tensors;
    }

    private static void Swap(string temporary, string target)
    {
        if (!Directory.Exists(target))
        {
            Directory.Move(temporary, target);
            return;
        }
        // No rename replaces a folder that holds files: the old one steps aside first.
        string old = temporary + ".old";
        Directory.Move(target, old);
        try
        {
            Directory.Move(temporary, target);
        }
        catch
        {
            Directory.Move(old, target);
            throw;
        }
        Directory.Delete(old, recursive: true);
    }
}

/// <summary>What <see cref="ModelVersionWriter"/> writes.</summary>
public sealed record ModelVersionContent
{
    /// <value>Parameters by name; empty for closed formulas, which then get no weights file.</value>
    public IReadOnlyDictionary<string, SafetensorsTensor> Weights { get; init; } = new Dictionary<string, SafetensorsTensor>();

    /// <value>The module file of a family that takes one, or null.</value>
    public byte[]? Module { get; init; }

    /// <value>The replay buffer's chains, (n, ...input), or null.</value>
    public SafetensorsTensor? Buffer { get; init; }

    /// <value>The class of each chain, or null.</value>
    public IReadOnlyList<int>? BufferLabels { get; init; }

    /// <value>Scores of held-out in-distribution data by score name, or null; stored ascending.</value>
    public IReadOnlyDictionary<string, float[]>? Calibration { get; init; }

    /// <value>See <see cref="ModelFiles.TypicalityMean"/>; null where the calibration has no typicality.</value>
    public float? TypicalityMean { get; init; }

    public ModelProvenance? Provenance { get; init; }

    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    public IReadOnlyDictionary<string, int> BlockSizes { get; init; } = new Dictionary<string, int>();

    /// <value>Other files of the version (reports, pictures) by name.</value>
    public IReadOnlyDictionary<string, byte[]> OtherFiles { get; init; } = new Dictionary<string, byte[]>();
}
