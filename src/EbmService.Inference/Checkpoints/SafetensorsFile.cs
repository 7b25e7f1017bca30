namespace EbmService.Inference.Checkpoints;

/// <summary>A checkpoint in memory, and the two ways between it and bytes. Strict: what is read is exactly what a header describes.</summary>
/// <remarks>https://github.com/huggingface/safetensors#format. The tensors of a read file share the file's memory.</remarks>
/// <param name="Tensors">Tensors by name.</param>
/// <param name="Metadata">The header's <c>__metadata__</c>; empty where it has none.</param>
public sealed record SafetensorsFile(
    IReadOnlyDictionary<string, SafetensorsTensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The longest header accepted, bytes.</summary>
    public const int MaxHeaderLength = 16 * 1024 * 1024;

    /// <summary>The largest file accepted by <see cref="ReadFile"/>, bytes.</summary>
    public const int MaxFileLength = 1024 * 1024 * 1024;

    internal const string MetadataKey = "__metadata__";

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="InvalidCheckpointException">There is none.</exception>
    public SafetensorsTensor this[string name] =>
        Tensors.TryGetValue(name, out SafetensorsTensor? tensor) ? tensor : throw new InvalidCheckpointException($"the checkpoint has no tensor '{name}'");

    /// <summary>Reads a file held in memory.</summary>
    /// <exception cref="InvalidCheckpointException">Anything about the bytes is not as the format demands.</exception>
    public static SafetensorsFile Read(ReadOnlyMemory<byte> bytes) => SafetensorsReader.Read(bytes);

    /// <summary>Reads a file of at most <paramref name="maxLength"/> bytes.</summary>
    /// <exception cref="InvalidCheckpointException">It is larger, or its bytes are not as the format demands.</exception>
    public static SafetensorsFile ReadFile(string path, long maxLength = MaxFileLength)
    {
        long length = new FileInfo(path).Length;
        if (length > Math.Min(maxLength, MaxFileLength))
            throw new InvalidCheckpointException($"the file has {length} bytes, more than the {Math.Min(maxLength, MaxFileLength)} allowed");
        return Read(File.ReadAllBytes(path));
    }

    /// <summary>The canonical bytes: names in ordinal order, header padded with spaces to 8 bytes, data without gaps.</summary>
    public static byte[] Write(
        IReadOnlyDictionary<string, SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsWriter.Write(tensors, metadata);

    /// <summary>Writes the canonical bytes to a temporary name, flushes them to the disk and renames.</summary>
    public static void WriteFile(
        string path, IReadOnlyDictionary<string, SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, Write(tensors, metadata));
}
