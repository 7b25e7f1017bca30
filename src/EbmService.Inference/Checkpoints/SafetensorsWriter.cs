using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace EbmService.Inference.Checkpoints;

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
