using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Checkpoints;

namespace EbmService.Inference.Models;

/// <summary>Reads a version's safetensors files and checks them against the descriptor, name for name and shape for shape.</summary>
internal static class ModelTensors
{
    /// <summary>The score that every calibration has: the others are optional.</summary>
    internal const string RequiredScore = "logDensity";

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

    internal static IReadOnlyDictionary<string, float[]> Calibration(SafetensorsFile file)
    {
        RefuseOthers(file, ModelFiles.Calibration, name => name.StartsWith(ModelFiles.ScorePrefix, StringComparison.Ordinal));
        if (!file.Tensors.ContainsKey(ModelFiles.ScorePrefix + RequiredScore))
            throw new InvalidModelException($"'{ModelFiles.Calibration}' lacks the tensor '{ModelFiles.ScorePrefix + RequiredScore}'");
        long count = file.Tensors.Values.First().Count;
        if (count == 0)
            throw new InvalidModelException($"'{ModelFiles.Calibration}' has no scores");
        var scores = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach ((string name, SafetensorsTensor tensor) in file.Tensors)
        {
            CheckFloats(ModelFiles.Calibration, name, tensor, [count]);
            float[] values = tensor.ToFloats();
            Array.Sort(values);
            scores[name[ModelFiles.ScorePrefix.Length..]] = values;
        }
        return scores;
    }

    private static int[] Labels(SafetensorsTensor labels, long chains, int classes)
    {
        if (labels.Dtype != SafetensorsDtype.I64 || !labels.Shape.SequenceEqual([chains]))
            throw new InvalidModelException($"'{ModelFiles.Buffer}' needs '{ModelFiles.BufferLabels}' as I64 with one label per chain");
        long[] values = labels.ToInt64();
        if (!values.All(label => label >= 0 && label < classes))
            throw new InvalidModelException($"'{ModelFiles.Buffer}' has a label that is no class");
        // Start points are drawn by slot, so that order is part of the format.
        if (values.Index().Any(slot => slot.Item != slot.Index % classes))
            throw new InvalidModelException($"'{ModelFiles.Buffer}' has labels out of order: chain i must belong to class i mod {classes}");
        return Array.ConvertAll(values, label => (int)label);
    }

    private static void CheckFloats(string fileName, string name, SafetensorsTensor tensor, long[] shape)
    {
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidModelException($"'{fileName}': '{name}' has shape [{string.Join(", ", tensor.Shape)}]; [{string.Join(", ", shape)}] is expected");
        if (tensor.Dtype is not (SafetensorsDtype.F32 or SafetensorsDtype.F16 or SafetensorsDtype.BF16))
            throw new InvalidModelException($"'{fileName}': '{name}' must hold F32, F16 or BF16");
        if (!Array.TrueForAll(tensor.ToFloats(), float.IsFinite))
            throw new InvalidModelException($"'{fileName}': '{name}' holds NaN or infinity");
    }

    private static void RefuseOthers(SafetensorsFile file, string fileName, Func<string, bool> isKnown)
    {
        if (file.Tensors.Keys.FirstOrDefault(name => !isKnown(name)) is { } other)
            throw new InvalidModelException($"'{fileName}' has an unknown tensor '{other}'");
    }
}
