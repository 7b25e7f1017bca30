using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Tensors;

namespace EbmService.Core.Json;

/// <summary>
/// Tensors inside a spec: written as <c>{"dtype":"float32","shape":[...],"base64":"..."}</c> (little-endian), read as that or as nested arrays.
/// </summary>
public sealed class TensorPayloadJsonConverter : JsonConverter<TensorPayload>
{
    private const string Float32 = "float32";

    public override TensorPayload Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.StartArray => ReadNested(ref reader),
            JsonTokenType.StartObject => ReadBase64(ref reader),
            _ => throw new JsonException("A tensor is nested arrays of numbers, or {\"dtype\": \"float32\", \"shape\": [...], \"base64\": \"...\"}."),
        };

    public override void Write(Utf8JsonWriter writer, TensorPayload value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString("dtype", Float32);
        writer.WriteStartArray("shape");
        foreach (int size in value.Shape)
            writer.WriteNumberValue(size);
        writer.WriteEndArray();
        writer.WriteBase64String("base64", MemoryMarshal.AsBytes(value.Values.AsSpan()));
        writer.WriteEndObject();
    }

    private static TensorPayload ReadNested(ref Utf8JsonReader reader)
    {
        var shape = new List<int>();
        var counts = new List<int>();
        var values = new List<float>();
        do
        {
            ReadToken(ref reader, shape, counts, values);
        }
        while (counts.Count > 0 && reader.Read());
        return new TensorPayload(shape, [.. values]);
    }

    /// <summary>Counts hold the elements seen so far at each open level; a closed level fixes or must equal the size of its dimension.</summary>
    private static void ReadToken(ref Utf8JsonReader reader, List<int> shape, List<int> counts, List<float> values)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartArray when values.Count == 0 || counts.Count < shape.Count:
                Count(counts);
                counts.Add(0);
                if (counts.Count > shape.Count)
                    shape.Add(-1);
                break;
            case JsonTokenType.EndArray:
                int level = counts.Count - 1;
                if (shape[level] >= 0 && shape[level] != counts[level])
                    throw new JsonException("The rows of a nested tensor must all have the same length.");
                shape[level] = counts[level];
                counts.RemoveAt(level);
                break;
            case JsonTokenType.Number when counts.Count == shape.Count:
                Count(counts);
                values.Add(reader.GetSingle());
                break;
            default:
                throw new JsonException("A nested tensor has numbers at its innermost level only, and no empty rows.");
        }
    }

    private static void Count(List<int> counts)
    {
        if (counts.Count > 0)
            counts[^1]++;
    }

    private static TensorPayload ReadBase64(ref Utf8JsonReader reader)
    {
        string? dtype = null;
        int[]? shape = null;
        byte[]? bytes = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string? name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "dtype": dtype = reader.GetString(); break;
                case "shape": shape = JsonSerializer.Deserialize<int[]>(ref reader); break;
                case "base64" when reader.TryGetBytesFromBase64(out bytes): break;
                default: throw new JsonException($"A tensor has dtype, shape and base64, not '{name}' like this.");
            }
        }
        if (dtype != Float32 || shape is null || bytes is null || shape.Any(size => size < 0))
            throw new JsonException("A tensor needs dtype float32, a shape and base64 of little-endian numbers.");
        return shape.Aggregate(1.0, (product, size) => product * size) * sizeof(float) == bytes.Length
            ? new TensorPayload(shape, MemoryMarshal.Cast<byte, float>(bytes).ToArray())
            : throw new JsonException("The tensor's base64 has not as many numbers as its shape says.");
    }
}
