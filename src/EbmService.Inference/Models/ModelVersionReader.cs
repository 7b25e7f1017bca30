using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Checkpoints;

namespace EbmService.Inference.Models;

/// <summary>Reads and checks one version of one model.</summary>
internal sealed class ModelVersionReader(RepositoryFolder repository)
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
    /// 1. The manifest is read and names this version. 2. Every listed file is there and has its hash. 3. Tensors match the
    /// descriptor. A file is parsed from the bytes that were hashed, never read twice.
    /// </remarks>
    /// <exception cref="InvalidModelException">The version can't be served.</exception>
    internal LoadedModel Read(ModelDescriptor descriptor, ArchitectureShapes shapes, string versionFolder, ModelKey key)
    {
        ModelVersionManifest manifest = ReadManifest(versionFolder, key.Version);
        Dictionary<string, SafetensorsFile> tensors = ReadFiles(versionFolder, manifest);
        IReadOnlyDictionary<string, SafetensorsTensor> weights = tensors.TryGetValue(ModelFiles.Weights, out SafetensorsFile? weightsFile)
            ? ModelTensors.Weights(weightsFile, shapes)
            : NoWeights(shapes);
        (SafetensorsTensor? states, int[]? labels) = tensors.TryGetValue(ModelFiles.Buffer, out SafetensorsFile? bufferFile)
            ? ModelTensors.Buffer(bufferFile, descriptor)
            : default((SafetensorsTensor?, int[]?));
        IReadOnlyDictionary<string, float[]> calibration = tensors.TryGetValue(ModelFiles.Calibration, out SafetensorsFile? calibrationFile)
            ? ModelTensors.Calibration(calibrationFile)
            : new Dictionary<string, float[]>();
        return new LoadedModel
        {
            Hosted = Describe(key, descriptor, manifest, shapes, states),
            Weights = weights,
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

    private Dictionary<string, SafetensorsFile> ReadFiles(string folder, ModelVersionManifest manifest)
    {
        string[] loadable = [ModelFiles.Weights, ModelFiles.Buffer, ModelFiles.Calibration];
        foreach (string name in loadable.Where(name => !manifest.Files.ContainsKey(name) && File.Exists(Path.Combine(folder, name))))
            throw new InvalidModelException($"'{name}' is there but not listed in {ModelFiles.Manifest}");
        var tensors = new Dictionary<string, SafetensorsFile>();
        foreach ((string name, string sha256) in manifest.Files)
        {
            byte[] bytes = repository.ReadVerified(folder, name, sha256);
            if (loadable.Contains(name))
                tensors[name] = ModelTensors.Parse(bytes, name);
        }
        return tensors;
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
            ParameterCount = shapes.ParameterCount,
            ActivationsPerInput = shapes.Activations,
            BufferSize = states is null ? 0 : (int)states.Shape[0],
            CalibrationId = manifest.Files.TryGetValue(ModelFiles.Calibration, out string? hash) ? ModelDigest.Prefixed(hash) : null,
        };
    }
}
