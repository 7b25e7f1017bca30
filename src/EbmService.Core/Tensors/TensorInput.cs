using System.Buffers.Binary;
using System.Text.Json.Serialization;
using EbmService.Core.Failures;

namespace EbmService.Core.Tensors;

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

    /// <summary>The numbers, or what is wrong with them as field errors under <c>tensor</c>.</summary>
    public Outcome<TensorPayload> Decode()
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
