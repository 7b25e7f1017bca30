using System.Globalization;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Formats.Checkpoints;
using EbmService.Inference.Models;

namespace EbmService.Inference.Importing;

/// <summary>
/// A checkpoint as a version of a model: its parameters under the architecture's names, its replay buffer, and what was done with the
/// rest.
/// </summary>
/// <param name="Weights">Exactly the architecture's parameters, float32, finite.</param>
/// <param name="Buffer">(chains, ...input) float32, or null.</param>
/// <param name="BufferLabels">The class of each chain, where the buffer is by class.</param>
/// <param name="Folded">What was folded into the weights.</param>
/// <param name="Ignored">Tensors that the energy does not depend on, with shapes.</param>
public sealed record CheckpointImport(
    IReadOnlyDictionary<string, SafetensorsTensor> Weights, SafetensorsTensor? Buffer, IReadOnlyList<int>? BufferLabels,
    IReadOnlyList<string> Folded, IReadOnlyList<string> Ignored)
{
    /// <summary>Of a message's lines.</summary>
    private const int MaxFaults = 200;

    /// <summary>Reads a model folder's <c>model.json</c>.</summary>
    /// <exception cref="InvalidModelException">It is missing or not valid.</exception>
    public static ModelDescriptor ReadDescriptor(string modelFolder)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder));
        var repository = new RepositoryFolder(Path.GetDirectoryName(folder) ?? folder);
        return new ModelVersionReader(repository).ReadDescriptor(folder, Path.GetFileName(folder)).Descriptor;
    }

    /// <param name="layout">The checkpoint.</param>
    /// <param name="source">Whose names it has.</param>
    /// <param name="model">Its sizes are what the tensors must have.</param>
    /// <param name="bufferByClass">Whether the replay buffer is one run of chains per class, in the order of the classes.</param>
    /// <exception cref="InvalidCheckpointException">
    /// Tensors are missing, left over, of other shapes or not finite: all of them are listed.
    /// </exception>
    public static CheckpointImport Create(
        CheckpointLayout layout, CheckpointSource source, ModelDescriptor model, bool bufferByClass = false)
    {
        var state = new FoldedState(layout.State, source);
        IReadOnlyDictionary<string, long[]> expected = EnergyModelFactory.ParameterShapes(model.Architecture.Spec(), model.Input);
        var mapped = new Dictionary<string, FoldedTensor>(StringComparer.Ordinal);
        var named = new HashSet<string>(StringComparer.Ordinal);
        List<string> ignored = [], faults = [];
        foreach ((string name, FoldedTensor tensor) in state.Tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (source.Ignores(name))
                ignored.Add(Listed(name, tensor.Shape));
            else if (source.NameOf(name) is not { } target || !expected.TryGetValue(target, out long[]? shape) || !named.Add(target))
                faults.Add($"left over: {Listed(name, tensor.Shape)}");
            else if (!tensor.Shape.SequenceEqual(shape))
                faults.Add($"of another shape: {Listed(name, tensor.Shape)}, but {Listed(target, shape)} is expected");
            else
                mapped[target] = tensor;
        }
        faults.AddRange(expected.Where(pair => !named.Contains(pair.Key)).Select(pair => $"missing: {Listed(pair.Key, pair.Value)}"));
        if (faults.Count > 0)
            throw Mismatch(model, source, faults);
        Dictionary<string, SafetensorsTensor> weights = mapped.ToDictionary(
            pair => pair.Key, pair => Finite(pair.Key, pair.Value.Read()), StringComparer.Ordinal);
        (SafetensorsTensor? buffer, int[]? labels) = ReadBuffer(layout.Buffer, model, bufferByClass);
        return new CheckpointImport(weights, buffer, labels, state.Folded, ignored);
    }

    private static (SafetensorsTensor? Buffer, int[]? Labels) ReadBuffer(CheckpointTensor? stored, ModelDescriptor model, bool byClass)
    {
        if (stored is null)
            return (null, null);
        int classes = model.Labels.Count;
        long[] input = [.. model.Input.Shape.Select(size => (long)size)];
        if (stored.Shape.Count == 0 || stored.Shape[0] < Math.Max(1, classes) || !stored.Shape.Skip(1).SequenceEqual(input))
            throw new InvalidCheckpointException(
                $"the replay buffer is {Listed(CheckpointLayout.BufferKey, stored.Shape)}; chains of [{Sizes(input)}] are expected, "
                + "at least one per class");
        SafetensorsTensor buffer = Finite(CheckpointLayout.BufferKey, stored.Read());
        if (!byClass)
            return (buffer, null);
        if (classes == 0 || stored.Shape[0] % classes != 0)
            throw new InvalidCheckpointException(
                $"a replay buffer of {stored.Shape[0]} chains is not by class: the model has {classes} classes");
        return (Interleaved(buffer, classes), [.. Enumerable.Range(0, (int)stored.Shape[0]).Select(i => i % classes)]);
    }

    /// <summary>From one run of chains per class to the product's order: chain i belongs to class i mod classes.</summary>
    private static SafetensorsTensor Interleaved(SafetensorsTensor buffer, int classes)
    {
        int chains = (int)buffer.Shape[0], row = buffer.Data.Length / chains, perClass = chains / classes;
        var bytes = new byte[buffer.Data.Length];
        for (int i = 0; i < chains; i++)
            buffer.Data.Slice((i % classes * perClass + i / classes) * row, row).CopyTo(bytes.AsMemory(i * row));
        return buffer with { Data = bytes };
    }

    private static InvalidCheckpointException Mismatch(ModelDescriptor model, CheckpointSource source, List<string> faults)
    {
        IEnumerable<string> lines = faults.Take(MaxFaults).Concat(faults.Count > MaxFaults ? [$"and {faults.Count - MaxFaults} more"] : []);
        return new InvalidCheckpointException(
            $"its tensors are not those of {model.Architecture.Kind} by the names of '{source.Name}':\n  {string.Join("\n  ", lines)}");
    }

    private static SafetensorsTensor Finite(string name, SafetensorsTensor tensor) => Array.TrueForAll(tensor.ToFloats(), float.IsFinite)
        ? tensor : throw new InvalidCheckpointException($"'{name}' holds NaN or infinity");

    private static string Listed(string name, IEnumerable<long> shape) => $"{CheckpointText.Printable(name)} [{Sizes(shape)}]";

    private static string Sizes(IEnumerable<long> shape) =>
        string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
}
