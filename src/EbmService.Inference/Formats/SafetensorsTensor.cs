using System.Buffers.Binary;

namespace EbmService.Inference.Formats;

/// <summary>One tensor of a checkpoint: row-major, little-endian bytes.</summary>
/// <param name="Dtype">The element type.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Data">Exactly the product of <paramref name="Shape"/> times the element width.</param>
public sealed record SafetensorsTensor(SafetensorsDtype Dtype, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>The number of elements.</summary>
    public long Count => Data.Length / Dtype.Width();

    /// <summary>Stores floats; F16 and BF16 round to nearest, ties to even.</summary>
    /// <exception cref="ArgumentException">The shape's product is not the number of values, or the type is none of F32,
    /// F16, BF16.</exception>
    public static SafetensorsTensor FromFloats(
        ReadOnlySpan<float> values, IReadOnlyList<long> shape, SafetensorsDtype dtype = SafetensorsDtype.F32)
    {
        CheckCount(values.Length, shape);
        var data = new byte[values.Length * dtype.Width()];
        switch (dtype)
        {
            case SafetensorsDtype.F32:
                for (int i = 0; i < values.Length; i++)
                    BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(4 * i), values[i]);
                break;
            case SafetensorsDtype.F16:
                for (int i = 0; i < values.Length; i++)
                    BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(2 * i), (Half)values[i]);
                break;
            case SafetensorsDtype.BF16:
                for (int i = 0; i < values.Length; i++)
                    BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(2 * i), ToBFloat16(values[i]));
                break;
            default:
                throw new ArgumentException($"floats can't be stored as {dtype}", nameof(dtype));
        }
        return new SafetensorsTensor(dtype, [.. shape], data);
    }

    /// <summary>Stores integers as I64.</summary>
    public static SafetensorsTensor FromInt64(ReadOnlySpan<long> values, IReadOnlyList<long> shape)
    {
        CheckCount(values.Length, shape);
        var data = new byte[values.Length * sizeof(long)];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(8 * i), values[i]);
        return new SafetensorsTensor(SafetensorsDtype.I64, [.. shape], data);
    }

    /// <summary>Stores doubles as F64.</summary>
    public static SafetensorsTensor FromDoubles(ReadOnlySpan<double> values, IReadOnlyList<long> shape)
    {
        CheckCount(values.Length, shape);
        var data = new byte[values.Length * sizeof(double)];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteDoubleLittleEndian(data.AsSpan(8 * i), values[i]);
        return new SafetensorsTensor(SafetensorsDtype.F64, [.. shape], data);
    }

    /// <summary>The elements of an F64 tensor.</summary>
    /// <exception cref="InvalidCheckpointException">The tensor holds another type.</exception>
    public double[] ToDoubles()
    {
        Expect(SafetensorsDtype.F64);
        var values = new double[Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadDoubleLittleEndian(Data.Span[(8 * i)..]);
        return values;
    }

    /// <summary>The elements as floats, for F32, F16 and BF16; the last two widen exactly.</summary>
    /// <exception cref="InvalidCheckpointException">The tensor holds another type.</exception>
    public float[] ToFloats()
    {
        ReadOnlySpan<byte> data = Data.Span;
        var values = new float[Count];
        switch (Dtype)
        {
            case SafetensorsDtype.F32:
                for (int i = 0; i < values.Length; i++)
                    values[i] = BinaryPrimitives.ReadSingleLittleEndian(data[(4 * i)..]);
                break;
            case SafetensorsDtype.F16:
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(data[(2 * i)..]);
                break;
            case SafetensorsDtype.BF16:
                for (int i = 0; i < values.Length; i++)
                    values[i] = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(data[(2 * i)..]) << 16);
                break;
            default:
                throw new InvalidCheckpointException($"a tensor of {Dtype.HeaderName()} stands where floats (F32, F16, BF16) are expected");
        }
        return values;
    }

    /// <summary>The elements of an I64 tensor.</summary>
    /// <exception cref="InvalidCheckpointException">The tensor holds another type.</exception>
    public long[] ToInt64()
    {
        Expect(SafetensorsDtype.I64);
        var values = new long[Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadInt64LittleEndian(Data.Span[(8 * i)..]);
        return values;
    }

    /// <summary>A copy of the elements of a U8 tensor.</summary>
    /// <exception cref="InvalidCheckpointException">The tensor holds another type.</exception>
    public byte[] ToBytes()
    {
        Expect(SafetensorsDtype.U8);
        return Data.ToArray();
    }

    private void Expect(SafetensorsDtype dtype)
    {
        if (Dtype != dtype)
            throw new InvalidCheckpointException($"a tensor of {Dtype.HeaderName()} stands where {dtype.HeaderName()} is expected");
    }

    private static void CheckCount(int count, IReadOnlyList<long> shape)
    {
        if (shape.Aggregate(1L, (product, size) => checked(product * size)) != count)
            throw new ArgumentException($"shape [{string.Join(", ", shape)}] does not hold {count} elements", nameof(shape));
    }

    private static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        // Rounding would carry a NaN's payload into infinity.
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}

/// <summary>The element types this product reads and writes; all little-endian.</summary>
public enum SafetensorsDtype
{
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,

    /// <summary>One byte per element, 0 or 1.</summary>
    Bool,
}

/// <summary>Names and widths of element types.</summary>
public static class SafetensorsDtypes
{
    /// <summary>Bytes per element.</summary>
    public static int Width(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.F64 or SafetensorsDtype.I64 => 8,
        SafetensorsDtype.F32 or SafetensorsDtype.I32 => 4,
        SafetensorsDtype.F16 or SafetensorsDtype.BF16 or SafetensorsDtype.I16 => 2,
        SafetensorsDtype.I8 or SafetensorsDtype.U8 or SafetensorsDtype.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>The word the header uses.</summary>
    internal static string HeaderName(this SafetensorsDtype dtype) =>
        dtype == SafetensorsDtype.Bool ? "BOOL" : dtype.ToString();

    internal static SafetensorsDtype? Parse(string? name) => name switch
    {
        "F64" => SafetensorsDtype.F64,
        "F32" => SafetensorsDtype.F32,
        "F16" => SafetensorsDtype.F16,
        "BF16" => SafetensorsDtype.BF16,
        "I64" => SafetensorsDtype.I64,
        "I32" => SafetensorsDtype.I32,
        "I16" => SafetensorsDtype.I16,
        "I8" => SafetensorsDtype.I8,
        "U8" => SafetensorsDtype.U8,
        "BOOL" => SafetensorsDtype.Bool,
        _ => null,
    };
}
