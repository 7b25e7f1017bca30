using System.Buffers.Binary;
using System.Text.Json;

namespace EbmService.Inference.Checkpoints;

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
            throw new InvalidCheckpointException($"the header is not valid JSON, or repeats a key (line {e.LineNumber}, byte {e.BytePositionInLine})", e);
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
                throw new InvalidCheckpointException($"tensor '{name}' has a {member} with a value that is no count: negative, fractional or over 63 bits");
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
                throw new InvalidCheckpointException($"the data has {(entry.Begin > at ? "a hole before" : "an overlap at")} tensor '{entry.Name}'");
            at = entry.End;
        }
        if (at != dataLength)
            throw new InvalidCheckpointException($"the tensors end at byte {at} of the data, the file at byte {dataLength}");
    }
}
