using System.Buffers.Binary;

namespace EbmService.Core.Tensors;

/// <summary>A plain number type of a .npy file: floats (2, 4, 8 bytes), signed and unsigned integers (1, 2, 4, 8) and booleans.</summary>
/// <param name="Kind"><c>f</c>, <c>i</c>, <c>u</c> or <c>b</c>, as NumPy names them.</param>
/// <param name="Width">Bytes per element.</param>
/// <param name="BigEndian">False for single bytes.</param>
public readonly record struct NpyDtype(char Kind, int Width, bool BigEndian)
{
    /// <value>float32, little-endian: what this product writes.</value>
    public static NpyDtype Float32 { get; } = new('f', 4, BigEndian: false);

    /// <value>Whether these are bytes 0 to 255: pixel levels for image models.</value>
    public bool IsUint8 => this is { Kind: 'u', Width: 1 };

    /// <summary>Reads a <c>descr</c> such as <c>&lt;f4</c>, <c>&gt;i8</c> or <c>|u1</c>.</summary>
    /// <exception cref="FormatException">The type or its byte order is not known.</exception>
    public static NpyDtype Parse(string descr)
    {
        bool hasOrder = descr is ['<' or '>' or '|' or '=', ..];
        int width = descr[(hasOrder ? 1 : 0)..] switch
        {
            "b1" or "i1" or "u1" => 1,
            "i2" or "u2" or "f2" => 2,
            "i4" or "u4" or "f4" => 4,
            "i8" or "u8" or "f8" => 8,
            _ => throw new FormatException($"dtype '{descr}' is not supported: use float32, float64, uint8 or another plain number type"),
        };
        // "=" and no order at all mean the writer's machine, which nobody here knows.
        return width == 1 || descr[0] is '<' or '>'
            ? new NpyDtype(descr[^2], width, width > 1 && descr[0] == '>')
            : throw new FormatException($"dtype '{descr}' does not say its byte order: '<' or '>' is needed");
    }

    /// <summary>Converts elements to float32; floats are rounded, integers must be exact.</summary>
    /// <exception cref="FormatException">A boolean is neither 0 nor 1, or an integer is not exact in float32.</exception>
    internal void Convert(ReadOnlySpan<byte> data, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = data.Slice(i * Width, Width);
            values[i] = Kind == 'f' ? ReadFloat(element) : ReadInteger(element);
        }
    }

    private float ReadFloat(ReadOnlySpan<byte> element) => (Width, BigEndian) switch
    {
        (2, false) => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
        (2, true) => (float)BinaryPrimitives.ReadHalfBigEndian(element),
        (4, false) => BinaryPrimitives.ReadSingleLittleEndian(element),
        (4, true) => BinaryPrimitives.ReadSingleBigEndian(element),
        (_, false) => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
        (_, true) => (float)BinaryPrimitives.ReadDoubleBigEndian(element),
    };

    private float ReadInteger(ReadOnlySpan<byte> element)
    {
        Int128 value = 0;
        for (int i = 0; i < Width; i++)
            value = (value << 8) | element[BigEndian ? i : Width - 1 - i];
        if (Kind == 'i' && value >> (8 * Width - 1) != 0)
            value -= Int128.One << (8 * Width);
        if (Kind == 'b' && value > 1)
            throw new FormatException("a boolean is neither 0 nor 1");
        float rounded = (float)value;
        return (Int128)rounded == value ? rounded : throw new FormatException($"the integer {value} is not exact in float32: save floats");
    }
}
