using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Failures;
using EbmService.Core.Tensors;

namespace EbmService.Core.Json;

/// <summary>A tensor written as nested JSON arrays; read without building a tree.</summary>
[JsonConverter(typeof(NestedNumbersConverter))]
public sealed record NestedNumbers(TensorPayload Tensor);

/// <summary>Reads nested arrays straight into one float array; errors carry the element's path.</summary>
/// <param name="nullIsNaN">Whether null stands for a number that is not finite, as in answers.</param>
public sealed class NestedNumbersConverter(bool nullIsNaN) : JsonConverter<NestedNumbers>
{
    public NestedNumbersConverter() : this(nullIsNaN: false)
    {
    }

    public override NestedNumbers Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var builder = new NestedArrayBuilder("inputs", nullIsNaN);
        try
        {
            builder.Add(ref reader);
            while (builder.IsOpen)
            {
                reader.Read();
                builder.Add(ref reader);
            }
        }
        catch (JsonException broken)
        {
            throw new FailureException(Failure.OfFields([new FieldError(builder.Path,
                $"This is not a number{JsonPosition.Of(broken)}: inputs hold finite numbers in nested arrays; "
                + "NaN and Infinity are not allowed.")]));
        }
        return new NestedNumbers(builder.ToTensor());
    }

    public override void Write(Utf8JsonWriter writer, NestedNumbers value, JsonSerializerOptions options) =>
        WriteLevel(writer, value.Tensor.Shape, level: 0, value.Tensor.Values);

    private static void WriteLevel(Utf8JsonWriter writer, IReadOnlyList<int> shape, int level, ReadOnlySpan<float> values)
    {
        writer.WriteStartArray();
        int size = shape[level];
        int width = size == 0 ? 0 : values.Length / size;
        for (int i = 0; i < size; i++)
        {
            ReadOnlySpan<float> part = values.Slice(i * width, width);
            if (level + 1 < shape.Count)
                WriteLevel(writer, shape, level + 1, part);
            else if (float.IsFinite(part[0]))
                writer.WriteNumberValue(part[0]);
            else
                writer.WriteNullValue();
        }
        writer.WriteEndArray();
    }
}

/// <summary>Where a reader stopped.</summary>
public static class JsonPosition
{
    /// <summary>For example <c> (line 1, position 12)</c>, counted from 1; empty where it is not known.</summary>
    public static string Of(JsonException broken) =>
        broken.LineNumber is { } line && broken.BytePositionInLine is { } position
            ? string.Create(CultureInfo.InvariantCulture, $" (line {line + 1}, position {position + 1})")
            : "";
}
