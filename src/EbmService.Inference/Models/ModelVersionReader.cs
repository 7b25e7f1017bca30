using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Models;

/// <summary>Reads and checks one version of one model.</summary>
/// <param name="allowTorchScript">See <see cref="ModelsOptions.AllowTorchScript"/>.</param>
internal sealed class ModelVersionReader(RepositoryFolder repository, bool allowTorchScript = false)
{
    /// <summary>Reads and checks <c>model.json</c>.</summary>
    /// <exception cref="InvalidModelException">The model can't be served.</exception>
    internal (ModelDescriptor Descriptor, ArchitectureShapes Shapes) ReadDescriptor(string modelFolder, string name)
    {
        byte[] json = repository.TryRead(modelFolder, ModelFiles.Descriptor, ModelLimits.MaxDescriptorFile)
            ?? throw new InvalidModelException($"{ModelFiles.Descriptor} is missing");
        var descriptor = ModelJson.Parse<ModelDescriptor>(json, ModelFiles.Descriptor);
        ArchitectureSpec spec = ModelDescriptorValidator.Check(descriptor, name);
        return (descriptor with { Architecture = spec }, ArchitectureShapes.Of(spec, descriptor.Input));
    }

    /// <remarks>
    /// 1. The manifest is read and names this version. 2. A module is refused where none is wanted or allowed. 3. Every listed file is
    /// there and has its hash. 4. Tensors match the descriptor. 5. A module is loaded and tried out, unless it was. A file is parsed from
    /// the bytes that were hashed, never read twice.
    /// </remarks>
    /// <param name="tried">What was found when the version was read before; of the same digest, its module is not tried out again.</param>
    /// <exception cref="InvalidModelException">The version can't be served.</exception>
    internal LoadedModel Read(
        ModelDescriptor descriptor, ArchitectureShapes shapes, string versionFolder, ModelKey key, HostedModel? tried = null)
    {
        ModelVersionManifest manifest = ReadManifest(versionFolder, key.Version);
        CheckModule(descriptor.Architecture, manifest);
        (Dictionary<string, SafetensorsFile> tensors, byte[]? module) = ReadFiles(versionFolder, manifest);
        IReadOnlyDictionary<string, SafetensorsTensor> weights = tensors.TryGetValue(ModelFiles.Weights, out SafetensorsFile? weightsFile)
            ? ModelTensors.Weights(weightsFile, shapes)
            : NoWeights(shapes);
        (SafetensorsTensor? states, int[]? labels) = tensors.TryGetValue(ModelFiles.Buffer, out SafetensorsFile? bufferFile)
            ? ModelTensors.Buffer(bufferFile, descriptor)
            : default((SafetensorsTensor?, int[]?));
        CalibrationContent calibration = tensors.TryGetValue(ModelFiles.Calibration, out SafetensorsFile? calibrationFile)
            ? CalibrationContent.Read(calibrationFile)
            : CalibrationContent.None;
        HostedModel hosted = Describe(key, descriptor, manifest, shapes, states);
        return new LoadedModel
        {
            Hosted = hosted with
            {
                ParameterCount = module is null ? shapes.ParameterCount
                    : tried?.Digest == hosted.Digest ? tried.ParameterCount : TryOut(descriptor, module),
                CalibratedScores = [.. calibration.Scores.Keys.Order(StringComparer.Ordinal)],
                ReferenceEnergies = calibration.EnergyQuantiles(),
                SmallestPValue = calibration.Scores.Count == 0 ? null : 1.0 / (calibration.Scores.Values.Min(scores => scores.Length) + 1),
            },
            Weights = weights,
            Module = module,
            Buffer = states,
            BufferLabels = labels,
            Calibration = calibration,
        };
    }

    private ModelVersionManifest ReadManifest(string folder, string version)
    {
        byte[] json = repository.TryRead(folder, ModelFiles.Manifest, ModelLimits.MaxDescriptorFile)
            ?? throw new InvalidModelException($"{ModelFiles.Manifest} is missing");
        var manifest = ModelJson.Parse<ModelVersionManifest>(json, ModelFiles.Manifest);
        if (manifest.Version != version)
            throw new InvalidModelException($"{ModelFiles.Manifest}: version is '{manifest.Version}' but the folder is '{version}'");
        if (manifest.BlockSizes.Values.Any(size => size is < 1 or > Core.Sampling.SamplingSpecFactory.MaxBlockSize))
            throw new InvalidModelException($"{ModelFiles.Manifest}: a block size is out of range");
        return manifest;
    }

    /// <summary>TorchScript is code: it is not even read unless the operator allows it.</summary>
    private void CheckModule(ModelArchitecture architecture, ModelVersionManifest manifest)
    {
        bool isListed = manifest.Files.ContainsKey(ModelFiles.Module);
        if (!architecture.Spec().Family().TakesModule)
        {
            if (isListed)
                throw new InvalidModelException($"'{ModelFiles.Module}' is TorchScript, but '{architecture.Kind}' takes weights");
            return;
        }
        if (!allowTorchScript)
        {
            throw new InvalidModelException(
                "it is TorchScript, which is code and not allowed here: set "
                + $"{ModelsOptions.Section}:{nameof(ModelsOptions.AllowTorchScript)} to true if you trust whoever writes into the repository");
        }
        if (!isListed)
            throw new InvalidModelException($"'{ModelFiles.Module}' is not listed in {ModelFiles.Manifest}, and the architecture is that file");
    }

    /// <summary>Loads a module once in every precision that the model offers.</summary>
    /// <returns>Numbers in its parameters and buffers.</returns>
    private static long TryOut(ModelDescriptor descriptor, byte[] module)
    {
        ArchitectureSpec spec = descriptor.Architecture.Spec();
        using IEnergyModel energy = EnergyModelFactory.Load(spec, descriptor.Input, module, ScalarType.Float32, CPU);
        if (spec.Family().Capabilities(spec, descriptor.Input).Has(ModelCapability.Bfloat16))
            EnergyModelFactory.Load(spec, descriptor.Input, module, ScalarType.BFloat16, CPU).Dispose();
        return energy.Parameters.Values.Sum(parameter => parameter.numel());
    }

    private (Dictionary<string, SafetensorsFile> Tensors, byte[]? Module) ReadFiles(string folder, ModelVersionManifest manifest)
    {
        string[] loadable = [ModelFiles.Weights, ModelFiles.Buffer, ModelFiles.Calibration];
        byte[]? module = null;
        foreach (string name in loadable.Where(name => !manifest.Files.ContainsKey(name) && File.Exists(Path.Combine(folder, name))))
            throw new InvalidModelException($"'{name}' is there but not listed in {ModelFiles.Manifest}");
        var tensors = new Dictionary<string, SafetensorsFile>();
        foreach ((string name, string sha256) in manifest.Files)
        {
            byte[] bytes = repository.ReadVerified(folder, name, sha256);
            if (loadable.Contains(name))
                tensors[name] = ModelTensors.Parse(bytes, name);
            else if (name == ModelFiles.Module)
                module = bytes;
        }
        return (tensors, module);
    }

    private static Dictionary<string, SafetensorsTensor> NoWeights(ArchitectureShapes shapes) => shapes.Parameters.Count == 0
        ? []
        : throw new InvalidModelException($"'{ModelFiles.Weights}' is missing, and the architecture has parameters");

    private static HostedModel Describe(
        ModelKey key, ModelDescriptor descriptor, ModelVersionManifest manifest, ArchitectureShapes shapes, SafetensorsTensor? states)
    {
        ArchitectureSpec spec = descriptor.Architecture.Spec();
        return new HostedModel
        {
            Key = key,
            State = ModelState.Ready,
            Descriptor = descriptor,
            Manifest = manifest,
            Digest = ModelDigest.Compute(descriptor, manifest.Files),
            Capabilities = spec.Family().Capabilities(spec, descriptor.Input),
            ActivationsPerInput = shapes.Activations,
            BufferSize = states is null ? 0 : (int)states.Shape[0],
            CalibrationId = manifest.Files.TryGetValue(ModelFiles.Calibration, out string? hash) ? ModelDigest.Prefixed(hash) : null,
        };
    }
}

/// <summary>A ready version with its validated tensors, in managed memory. Immutable.</summary>
public sealed record LoadedModel
{
    public required HostedModel Hosted { get; init; }

    /// <value>Parameters by name, exactly those of the architecture, all finite; empty for closed formulas.</value>
    public required IReadOnlyDictionary<string, SafetensorsTensor> Weights { get; init; }

    /// <value>The bytes of the module file, tried out; null for families that take none.</value>
    public byte[]? Module { get; init; }

    /// <value>The replay buffer's chains, (n, ...input), floats; null where the version has none.</value>
    public SafetensorsTensor? Buffer { get; init; }

    /// <value>The class of each chain of the buffer; null where it has none.</value>
    public int[]? BufferLabels { get; init; }

    /// <value>Without scores where the version has no calibration.</value>
    public CalibrationContent Calibration { get; init; } = CalibrationContent.None;

    /// <summary>The energy in float32, or of a module in its own precision; the caller's to dispose of.</summary>
    internal IEnergyModel CreateEnergy(Device device)
    {
        ArchitectureSpec spec = Hosted.Descriptor!.Architecture.Spec();
        if (Module is not null)
            return EnergyModelFactory.Load(spec, Hosted.Descriptor.Input, Module, ScalarType.Float32, device);
        using DisposeScope scope = NewDisposeScope();
        return EnergyModelFactory.Create(
            spec, Weights.ToDictionary(pair => pair.Key, pair => pair.Value.ToTensor().to(device).DetachFromDisposeScope()), device);
    }
}

/// <summary>Reads a version's safetensors files and checks them against the descriptor, name for name and shape for shape.</summary>
internal static class ModelTensors
{
    internal static SafetensorsFile Parse(byte[] bytes, string fileName)
    {
        try
        {
            return SafetensorsFile.Read(bytes);
        }
        catch (InvalidCheckpointException e)
        {
            throw new InvalidModelException($"'{fileName}': {e.Message}", e);
        }
    }

    internal static IReadOnlyDictionary<string, SafetensorsTensor> Weights(SafetensorsFile file, ArchitectureShapes architecture)
    {
        foreach (string missing in architecture.Parameters.Keys.Except(file.Tensors.Keys))
            throw new InvalidModelException($"'{ModelFiles.Weights}' lacks the tensor '{missing}'");
        foreach ((string name, SafetensorsTensor tensor) in file.Tensors)
        {
            if (!architecture.Parameters.TryGetValue(name, out long[]? shape))
                throw new InvalidModelException($"'{ModelFiles.Weights}' has the tensor '{name}', which the architecture has not");
            CheckFloats(ModelFiles.Weights, name, tensor, shape);
        }
        return file.Tensors;
    }

    internal static (SafetensorsTensor States, int[]? Labels) Buffer(SafetensorsFile file, ModelDescriptor descriptor)
    {
        RefuseOthers(file, ModelFiles.Buffer, name => name is ModelFiles.BufferStates or ModelFiles.BufferLabels);
        if (!file.Tensors.TryGetValue(ModelFiles.BufferStates, out SafetensorsTensor? states) || states.Shape.Count == 0)
            throw new InvalidModelException($"'{ModelFiles.Buffer}' has no tensor '{ModelFiles.BufferStates}' of chains");
        long chains = states.Shape[0];
        if (chains < Math.Max(1, descriptor.Labels.Count))
            throw new InvalidModelException($"'{ModelFiles.Buffer}' has {chains} chains; at least one, and one per class, are needed");
        CheckFloats(ModelFiles.Buffer, ModelFiles.BufferStates, states, [chains, .. descriptor.Input.Shape.Select(size => (long)size)]);
        return (states, file.Tensors.TryGetValue(ModelFiles.BufferLabels, out SafetensorsTensor? labels)
            ? Labels(labels, chains, descriptor.Labels.Count)
            : null);
    }

    private static int[] Labels(SafetensorsTensor labels, long chains, int classes)
    {
        if (labels.Dtype != SafetensorsDtype.I64 || !labels.Shape.SequenceEqual([chains]))
            throw new InvalidModelException($"'{ModelFiles.Buffer}' needs '{ModelFiles.BufferLabels}' as I64 with one label per chain");
        long[] values = labels.ToInt64();
        if (!values.All(label => label >= 0 && label < classes))
            throw new InvalidModelException($"'{ModelFiles.Buffer}' has a label that is no class");
        // Initial states are drawn by slot, so that order is part of the format.
        if (values.Index().Any(slot => slot.Item != slot.Index % classes))
            throw new InvalidModelException($"'{ModelFiles.Buffer}' has labels out of order: chain i must belong to class i mod {classes}");
        return Array.ConvertAll(values, label => (int)label);
    }

    internal static void CheckFloats(string fileName, string name, SafetensorsTensor tensor, long[] shape)
    {
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidModelException(
                $"'{fileName}': '{name}' has shape [{string.Join(", ", tensor.Shape)}]; [{string.Join(", ", shape)}] is expected");
        if (tensor.Dtype is not (SafetensorsDtype.F32 or SafetensorsDtype.F16 or SafetensorsDtype.BF16))
            throw new InvalidModelException($"'{fileName}': '{name}' must hold F32, F16 or BF16");
        if (!Array.TrueForAll(tensor.ToFloats(), float.IsFinite))
            throw new InvalidModelException($"'{fileName}': '{name}' holds NaN or infinity");
    }

    internal static void RefuseOthers(SafetensorsFile file, string fileName, Func<string, bool> isKnown)
    {
        if (file.Tensors.Keys.FirstOrDefault(name => !isKnown(name)) is { } other)
            throw new InvalidModelException($"'{fileName}' has an unknown tensor '{other}'");
    }
}

/// <summary>Reads the JSON files of the repository strictly; what is wrong becomes a reason.</summary>
internal static class ModelJson
{
    internal static T Parse<T>(byte[] json, string fileName)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, EbmJson.Options)
                ?? throw new InvalidModelException($"{fileName} holds null");
        }
        catch (JsonException e)
        {
            throw new InvalidModelException($"{fileName} is not valid: {e.Message}", e);
        }
    }
}
