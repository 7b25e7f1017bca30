using EbmService.Inference.Formats;
using EbmService.Inference.Formats.Checkpoints;

namespace EbmService.Inference.Importing;

/// <summary>Where in a checkpoint the weights are, and where the replay buffer.</summary>
/// <param name="Key">The state dict's name; empty where it is the checkpoint itself.</param>
/// <param name="State">Its tensors.</param>
/// <param name="Buffer">The replay buffer, (chains, ...input), or null.</param>
public sealed record CheckpointLayout(string Key, IReadOnlyDictionary<string, CheckpointTensor> State, CheckpointTensor? Buffer)
{
    public const string BufferKey = "replay_buffer";

    /// <summary>Of a message's names.</summary>
    private const int MaxListed = 50;

    private static readonly string[] s_usualKeys = ["model_state_dict", "state_dict", "model"];

    /// <summary>A checkpoint file: PyTorch's zip format, or safetensors.</summary>
    /// <exception cref="InvalidCheckpointException">It is damaged, over a limit, or holds something else than weights.</exception>
    public static CheckpointGroup Read(string path)
    {
        long length = new FileInfo(path).Length;
        if (length > SafetensorsFile.MaxFileLength)
            throw new InvalidCheckpointException($"the file has {length} bytes, more than the {SafetensorsFile.MaxFileLength} allowed");
        byte[] bytes = File.ReadAllBytes(path);
        // Pickles begin with 0x80, a safetensors header is never so long.
        return TorchCheckpoint.IsZip(bytes) || bytes is [0x80, 2, ..]
            ? TorchCheckpoint.Read(bytes)
            : CheckpointGroup.FromSafetensors(SafetensorsFile.Read(bytes));
    }

    /// <param name="key">The state dict's name; null to take a usual name, the checkpoint itself, or the only dict with tensors.</param>
    /// <exception cref="InvalidCheckpointException">There is no state dict, or more than one that could be meant.</exception>
    public static CheckpointLayout Find(CheckpointGroup root, string? key)
    {
        var buffer = root.Values.GetValueOrDefault(BufferKey) as CheckpointTensor;
        if (key is not null)
        {
            return root.Values.GetValueOrDefault(key) is CheckpointGroup named
                ? new CheckpointLayout(key, named.Tensors, buffer)
                : throw new InvalidCheckpointException($"the checkpoint has no dict '{key}'; it has {Listed(root.Values.Keys)}");
        }
        string[] groups = [.. root.Values.Where(pair => pair.Value is CheckpointGroup { Tensors.Count: > 0 }).Select(pair => pair.Key)];
        // First: a training script may keep tensors of its own, a step or a random state, beside the state dict.
        if (s_usualKeys.FirstOrDefault(groups.Contains) is { } usual)
            return Of(usual);
        Dictionary<string, CheckpointTensor> own = root.Tensors.Where(pair => pair.Key != BufferKey).ToDictionary(StringComparer.Ordinal);
        if (own.Count > 0)
            return new CheckpointLayout("", own, buffer);
        return groups.Length == 1
            ? Of(groups[0])
            : throw new InvalidCheckpointException(groups.Length == 0
                ? $"the checkpoint holds no tensors, but {Listed(root.Values.Keys)}"
                : $"the checkpoint holds several dicts of tensors, {Listed(groups)}: say which one is the model's");

        CheckpointLayout Of(string group) => new(group, ((CheckpointGroup)root.Values[group]!).Tensors, buffer);
    }

    private static string Listed(IEnumerable<string> names) =>
        string.Join(", ", names.Order(StringComparer.Ordinal).Take(MaxListed)
            .Select(name => $"'{CheckpointText.Printable(name)}'").DefaultIfEmpty("nothing"));
}
