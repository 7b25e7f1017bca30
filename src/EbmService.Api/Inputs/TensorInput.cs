using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Failures;
using EbmService.Core.Json;
using EbmService.Core.Tensors;

namespace EbmService.Api.Inputs;

/// <summary>Number types of a base64 tensor.</summary>
[JsonConverter(typeof(TensorDtypeConverter))]
public enum TensorDtype
{
    /// <summary>4 bytes, little-endian.</summary>
    [JsonStringEnumMemberName("float32")]
    Float32,

    /// <summary>8 bytes, little-endian; rounded to float32.</summary>
    [JsonStringEnumMemberName("float64")]
    Float64,

    /// <summary>1 byte; for image models 0 is the range's minimum and 255 its maximum.</summary>
    [JsonStringEnumMemberName("uint8")]
    Uint8,
}

/// <summary>Words only: a number is no type, least of all one that nobody defined.</summary>
internal sealed class TensorDtypeConverter() : JsonStringEnumConverter<TensorDtype>(namingPolicy: null, allowIntegerValues: false);

/// <summary>A row-major tensor as base64.</summary>
public sealed record TensorInput
{
    public required TensorDtype Dtype { get; init; }

    /// <value>Sizes, outermost first: the number of inputs, then the model's shape.</value>
    public required IReadOnlyList<int> Shape { get; init; }

    /// <value>All elements, row-major and little-endian.</value>
    public required string Base64 { get; init; }

    internal Outcome<TensorPayload> Decode()
    {
        if (Shape.Count is 0 or > 8 || Shape.Any(size => size < 0))
            return Refuse("tensor.shape", "Must hold 1 to 8 sizes, none negative.");
        int width = Dtype switch { TensorDtype.Float32 => 4, TensorDtype.Float64 => 8, _ => 1 };
        if (!TryCount(width, out int count))
            return Refuse("tensor.shape", "The sizes multiply to more than any body can hold.");
        var bytes = new byte[Base64.Length / 4 * 3 + 3];
        if (!Convert.TryFromBase64String(Base64, bytes, out int length))
            return Refuse("tensor.base64", "This is not base64.");
        if (length != (long)count * width)
        {
            return Refuse("tensor.base64",
                $"The shape [{string.Join(", ", Shape)}] needs {(long)count * width} bytes ({count} x {width}), but {length} were sent.");
        }
        return new TensorPayload(Shape, ToFloats(bytes.AsSpan(0, length), count));
    }

    private bool TryCount(int width, out int count)
    {
        count = 0;
        try
        {
            long elements = TensorPayload.ElementCount(Shape);
            if (elements > int.MaxValue / width)
                return false;
            count = (int)elements;
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private float[] ToFloats(ReadOnlySpan<byte> bytes, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = Dtype switch
            {
                TensorDtype.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(i * 4)..]),
                TensorDtype.Float64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes[(i * 8)..]),
                _ => bytes[i],
            };
        }
        return values;
    }

    private static Failure Refuse(string field, string message) => Failure.OfFields([new FieldError(field, message)]);
}

/// <summary>A tensor written as nested JSON arrays; read without building a tree.</summary>
[JsonConverter(typeof(NestedNumbersConverter))]
public sealed record NestedNumbers(TensorPayload Tensor);

/// <summary>Reads nested arrays straight into one float array; errors carry the element's path.</summary>
internal sealed class NestedNumbersConverter : JsonConverter<NestedNumbers>
{
    public override NestedNumbers Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var builder = new NestedArrayBuilder("inputs");
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
                $"This is not a number{JsonErrorTranslator.Position(broken)}: inputs hold finite numbers in nested arrays; "
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
