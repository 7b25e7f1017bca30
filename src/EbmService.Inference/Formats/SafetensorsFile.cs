using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using EbmService.Core.Files;

namespace EbmService.Inference.Formats;

/// <summary>
/// A checkpoint in memory, and the two ways between it and bytes.
/// Strict: what is read is exactly what a header describes.
/// </summary>
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
        Tensors.TryGetValue(name, out SafetensorsTensor? tensor)
            ? tensor : throw new InvalidCheckpointException($"the checkpoint has no tensor '{name}'");

    /// <summary>Reads a file held in memory.</summary>
    /// <exception cref="InvalidCheckpointException">Anything about the bytes is not as the format demands.</exception>
    public static SafetensorsFile Read(ReadOnlyMemory<byte> bytes) => SafetensorsReader.Read(bytes);

    /// <summary>Reads a file of at most <paramref name="maxLength"/> bytes.</summary>
    /// <exception cref="InvalidCheckpointException">It is larger, or its bytes are not as the format demands.</exception>
    public static SafetensorsFile ReadFile(string path, long maxLength = MaxFileLength)
    {
        long length = new FileInfo(path).Length;
        if (length > Math.Min(maxLength, MaxFileLength))
            throw new InvalidCheckpointException(
                $"the file has {length} bytes, more than the {Math.Min(maxLength, MaxFileLength)} allowed");
        return Read(File.ReadAllBytes(path));
    }

    /// <summary>The canonical bytes: names in ordinal order, header padded with spaces to 8 bytes, data without gaps.</summary>
    public static byte[] Write(
        IReadOnlyDictionary<string, SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsWriter.Write(tensors, metadata);

    /// <summary>Writes the canonical bytes to a temporary name, flushes them to the disk and renames.</summary>
    public static void WriteFile(
        string path, IReadOnlyDictionary<string, SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        DurableFiles.Replace(path, Write(tensors, metadata));
}

/// <summary>A checkpoint file is damaged, truncated or not what its header says. The message never holds a path.</summary>
public sealed class InvalidCheckpointException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Reads a checkpoint and refuses everything that is not exactly as the format demands.</summary>
internal static class SafetensorsReader
{
    private static readonly JsonDocumentOptions HeaderOptions = new() { MaxDepth = 4, AllowDuplicateProperties = false };

    private readonly record struct Entry(string Name, SafetensorsDtype Dtype, long[] Shape, long Begin, long End);

    /// <remarks>
    /// 1. The header's length lies within 16 MiB and the file. 2. The header is one JSON object without duplicate keys.
    /// 3. Each entry has exactly dtype, shape and offsets, and they agree. 4. The entries cover the data without holes or overlaps.
    /// </remarks>
    internal static SafetensorsFile Read(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> header = Header(bytes);
        try
        {
            return ReadTensors(header, bytes[(8 + header.Length)..]);
        }
        catch (InvalidOperationException e)
        {
            // System.Text.Json's way to say that a string holds bad UTF-8 or half a surrogate pair.
            throw new InvalidCheckpointException("the header holds a string that is no valid Unicode", e);
        }
    }

    private static SafetensorsFile ReadTensors(ReadOnlyMemory<byte> header, ReadOnlyMemory<byte> data)
    {
        using JsonDocument document = Parse(header);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var entries = new List<Entry>();
        foreach (JsonProperty member in document.RootElement.EnumerateObject())
        {
            if (member.Name == SafetensorsFile.MetadataKey)
                ReadMetadata(member.Value, metadata);
            else
                entries.Add(ReadEntry(member.Name, member.Value));
        }
        CheckCoverage(entries, data.Length);
        Dictionary<string, SafetensorsTensor> tensors = entries.ToDictionary(
            entry => entry.Name,
            entry => new SafetensorsTensor(entry.Dtype, entry.Shape, data[(int)entry.Begin..(int)entry.End]),
            StringComparer.Ordinal);
        return new SafetensorsFile(tensors, metadata);
    }

    private static ReadOnlyMemory<byte> Header(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < 8)
            throw new InvalidCheckpointException("the file is shorter than the 8 bytes of the header's length");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span);
        if (length > SafetensorsFile.MaxHeaderLength)
            throw new InvalidCheckpointException($"the header's length {length} is over 16 MiB");
        if (length > (ulong)(bytes.Length - 8))
            throw new InvalidCheckpointException($"the header's length {length} is over the file's");
        if (length == 0 || bytes.Span[8] != '{')
            throw new InvalidCheckpointException("the header does not begin with '{'");
        return bytes.Slice(8, (int)length);
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> header)
    {
        try
        {
            return JsonDocument.Parse(header, HeaderOptions);
        }
        catch (JsonException e)
        {
            throw new InvalidCheckpointException(
                $"the header is not valid JSON, or repeats a key (line {e.LineNumber}, byte {e.BytePositionInLine})", e);
        }
    }

    private static void ReadMetadata(JsonElement element, Dictionary<string, string> metadata)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new InvalidCheckpointException("the header's __metadata__ is no object");
        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.String)
                throw new InvalidCheckpointException($"the metadata '{member.Name}' is no string");
            metadata.Add(member.Name, member.Value.GetString()!);
        }
    }

    private static Entry ReadEntry(string name, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new InvalidCheckpointException($"tensor '{name}' is no object in the header");
        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (member.Name is not ("dtype" or "shape" or "data_offsets"))
                throw new InvalidCheckpointException($"tensor '{name}' has an unknown member '{member.Name}'");
        }
        if (!element.TryGetProperty("dtype", out JsonElement dtypeElement) || dtypeElement.ValueKind != JsonValueKind.String)
            throw new InvalidCheckpointException($"tensor '{name}' has no dtype");
        SafetensorsDtype dtype = SafetensorsDtypes.Parse(dtypeElement.GetString())
            ?? throw new InvalidCheckpointException($"tensor '{name}' has the unknown dtype '{dtypeElement.GetString()}'");
        long[] shape = ReadNumbers(name, element, "shape");
        long[] offsets = ReadNumbers(name, element, "data_offsets");
        if (offsets.Length != 2 || offsets[0] > offsets[1])
            throw new InvalidCheckpointException($"tensor '{name}' has data_offsets that are no begin and end");
        long expected = ByteLength(name, dtype, shape);
        if (offsets[1] - offsets[0] != expected)
            throw new InvalidCheckpointException($"tensor '{name}' has {offsets[1] - offsets[0]} bytes, but its shape asks for {expected}");
        return new Entry(name, dtype, shape, offsets[0], offsets[1]);
    }

    private static long[] ReadNumbers(string name, JsonElement element, string member)
    {
        if (!element.TryGetProperty(member, out JsonElement array) || array.ValueKind != JsonValueKind.Array)
            throw new InvalidCheckpointException($"tensor '{name}' has no {member}");
        var numbers = new long[array.GetArrayLength()];
        int i = 0;
        foreach (JsonElement item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out numbers[i]) || numbers[i] < 0)
                throw new InvalidCheckpointException(
                    $"tensor '{name}' has a {member} with a value that is no count: negative, fractional or over 63 bits");
            i++;
        }
        return numbers;
    }

    private static long ByteLength(string name, SafetensorsDtype dtype, long[] shape)
    {
        try
        {
            return shape.Aggregate((long)dtype.Width(), (product, size) => checked(product * size));
        }
        catch (OverflowException e)
        {
            throw new InvalidCheckpointException($"tensor '{name}' has a shape whose size overflows", e);
        }
    }

    private static void CheckCoverage(List<Entry> entries, long dataLength)
    {
        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        long at = 0;
        foreach (Entry entry in entries)
        {
            if (entry.Begin != at)
                throw new InvalidCheckpointException(
                    $"the data has {(entry.Begin > at ? "a hole before" : "an overlap at")} tensor '{entry.Name}'");
            at = entry.End;
        }
        if (at != dataLength)
            throw new InvalidCheckpointException($"the tensors end at byte {at} of the data, the file at byte {dataLength}");
    }
}

/// <summary>Makes the canonical bytes of a checkpoint: equal tensors and metadata give equal files.</summary>
internal static class SafetensorsWriter
{
    private const int Alignment = 8;

    internal static byte[] Write(
        IReadOnlyDictionary<string, SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        List<KeyValuePair<string, SafetensorsTensor>> ordered = [.. tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal)];
        long dataLength = ordered.Sum(pair => CheckedLength(pair.Key, pair.Value));
        ReadOnlySpan<byte> header = Header(ordered, metadata ?? new Dictionary<string, string>());
        int padded = (header.Length + Alignment - 1) / Alignment * Alignment;
        if (padded > SafetensorsFile.MaxHeaderLength)
            throw new ArgumentException("the header would be longer than 16 MiB", nameof(tensors));

        var bytes = new byte[checked(8 + padded + (int)dataLength)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)padded);
        header.CopyTo(bytes.AsSpan(8));
        bytes.AsSpan(8 + header.Length, padded - header.Length).Fill((byte)' ');
        int at = 8 + padded;
        foreach ((_, SafetensorsTensor tensor) in ordered)
        {
            tensor.Data.Span.CopyTo(bytes.AsSpan(at));
            at += tensor.Data.Length;
        }
        return bytes;
    }

    private static ReadOnlySpan<byte> Header(
        List<KeyValuePair<string, SafetensorsTensor>> ordered, IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        if (metadata.Count > 0)
        {
            json.WriteStartObject(SafetensorsFile.MetadataKey);
            foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                json.WriteString(key, value);
            json.WriteEndObject();
        }
        long offset = 0;
        foreach ((string name, SafetensorsTensor tensor) in ordered)
        {
            WriteEntry(json, name, tensor, offset);
            offset += tensor.Data.Length;
        }
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan;
    }

    private static void WriteEntry(Utf8JsonWriter json, string name, SafetensorsTensor tensor, long offset)
    {
        json.WriteStartObject(name);
        json.WriteString("dtype", tensor.Dtype.HeaderName());
        json.WriteStartArray("shape");
        foreach (long size in tensor.Shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + tensor.Data.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static long CheckedLength(string name, SafetensorsTensor tensor)
    {
        if (name == SafetensorsFile.MetadataKey)
            throw new ArgumentException($"a tensor can't be named {SafetensorsFile.MetadataKey}");
        long expected = tensor.Shape.Aggregate((long)tensor.Dtype.Width(), (product, size) => checked(product * size));
        if (tensor.Shape.Any(size => size < 0) || expected != tensor.Data.Length)
            throw new ArgumentException($"tensor '{name}' has {tensor.Data.Length} bytes, but its shape asks for {expected}");
        return expected;
    }
}
