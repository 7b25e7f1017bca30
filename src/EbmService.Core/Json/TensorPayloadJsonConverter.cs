using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Failures;
using EbmService.Core.Tensors;

namespace EbmService.Core.Json;

/// <summary>
/// Tensors inside a spec: written as <c>{"dtype":"float32","shape":[...],"base64":"..."}</c> (little-endian), read as that or as
/// nested arrays.
/// </summary>
public sealed class TensorPayloadJsonConverter : JsonConverter<TensorPayload>
{
    private const string Float32 = "float32";
    private const int MaxDimensions = 8;

    public override TensorPayload Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.StartArray => ReadNested(ref reader),
            JsonTokenType.StartObject => ReadBase64(ref reader),
            _ => throw new ElementJsonException(
                "", "Must be nested arrays of numbers, or {\"dtype\": \"float32\", \"shape\": [...], \"base64\": \"...\"}."),
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
        var builder = new NestedArrayBuilder("");
        try
        {
            builder.Add(ref reader);
            while (builder.IsOpen && reader.Read())
                builder.Add(ref reader);
            return builder.ToTensor();
        }
        catch (FailureException refused)
        {
            throw new ElementJsonException(refused.Failure.Fields[0].Field, refused.Message);
        }
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
                case "dtype" when dtype is null: dtype = ReadDtype(ref reader); break;
                case "shape" when shape is null: shape = ReadShape(ref reader); break;
                case "base64" when bytes is null: bytes = ReadBytes(ref reader); break;
                case "dtype" or "shape" or "base64": throw new ElementJsonException("." + name, "The member stands here twice: keep one.");
                default: throw new ElementJsonException(
                    "." + name, $"There is no member '{name}' here: a tensor has dtype, shape and base64.");
            }
        }
        string? missing = dtype is null ? "dtype" : shape is null ? "shape" : bytes is null ? "base64" : null;
        if (missing is not null)
            throw new ElementJsonException("." + missing, "The member is missing: a tensor has dtype, shape and base64.");
        return Decode(shape!, bytes!);
    }

    private static TensorPayload Decode(int[] shape, byte[] bytes)
    {
        double wanted = shape.Aggregate(1.0, (product, size) => product * size) * sizeof(float);
        return wanted == bytes.Length
            ? new TensorPayload(shape, MemoryMarshal.Cast<byte, float>(bytes).ToArray())
            : throw new ElementJsonException(
                ".base64", $"The shape [{string.Join(", ", shape)}] needs {wanted:0} bytes (4 per number), but {bytes.Length} were sent.");
    }

    private static string ReadDtype(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(Float32)
            ? Float32
            : throw new ElementJsonException(".dtype", "Must be \"float32\", little-endian: other types are not read here.");

    private static int[] ReadShape(ref Utf8JsonReader reader)
    {
        const string Rule = "Must be a list of 1 to 8 sizes, none negative.";
        var shape = new List<int>();
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new ElementJsonException(".shape", Rule);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int size) || size < 0 || shape.Count == MaxDimensions)
                throw new ElementJsonException(".shape", Rule);
            shape.Add(size);
        }
        return shape.Count > 0 ? [.. shape] : throw new ElementJsonException(".shape", Rule);
    }

    private static byte[] ReadBytes(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out byte[]? bytes)
            ? bytes
            : throw new ElementJsonException(".base64", "This is not base64.");
}

/// <summary>What is wrong with a tensor or a list in a JSON document, in words for the client.</summary>
/// <param name="element">The place within it, for example <c>[3][0]</c> or <c>.base64</c>; empty for all of it.</param>
public sealed class ElementJsonException(string element, string message) : JsonException(message)
{
    public string Element { get; } = element;
}
