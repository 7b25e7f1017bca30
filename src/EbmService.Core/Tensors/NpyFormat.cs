using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace EbmService.Core.Tensors;

/// <summary>NumPy's .npy format, versions 1 to 3, little-endian C order: writes float32, reads float32, float64 and uint8.</summary>
/// <remarks>https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html</remarks>
public static partial class NpyFormat
{
    public const string MediaType = "application/x-npy";

    private const int MaxHeader = 64 * 1024;

    /// <summary>The most bytes that come before the numbers.</summary>
    public const int HeaderBytes = MaxHeader + 12;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Encodes a float32 tensor; the header is padded to a multiple of 64 bytes as NumPy does.</summary>
    public static byte[] Write(TensorPayload tensor)
    {
        string dimensions = string.Concat(tensor.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture) + ", "));
        string shape = tensor.Shape.Count == 1 ? dimensions.TrimEnd(' ') : dimensions.TrimEnd(',', ' ');
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}";
        int total = (10 + header.Length + 1 + 63) / 64 * 64;
        var bytes = new byte[total + tensor.Values.Length * sizeof(float)];
        Magic.CopyTo(bytes);
        bytes[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)(total - 10));
        Encoding.ASCII.GetBytes(header.PadRight(total - 11) + "\n", bytes.AsSpan(10));
        MemoryMarshal.AsBytes(tensor.Values.AsSpan()).CopyTo(bytes.AsSpan(total));
        return bytes;
    }

    /// <summary>Decodes a file held in memory.</summary>
    /// <exception cref="FormatException">The bytes are no .npy file of a supported kind; the message says what is wrong.</exception>
    public static TensorPayload Read(ReadOnlySpan<byte> bytes)
    {
        (string dtype, int[] shape, int start) = ReadHeader(bytes);
        ReadOnlySpan<byte> data = bytes[start..];
        long count = TensorPayload.ElementCount(shape);
        int width = dtype switch { "<f4" => 4, "<f8" => 8, "|u1" => 1, _ => 0 };
        if (width == 0)
            throw new FormatException($"dtype '{dtype}' is not supported: use float32, float64 or uint8, little-endian");
        if (count > int.MaxValue / width || count * width != data.Length)
            throw new FormatException($"the shape asks for {count} elements of {width} bytes, but {data.Length} bytes follow the header");
        return new TensorPayload(shape, Convert(dtype, data, (int)count));
    }

    /// <summary>The shape alone, of a file's first bytes: <see cref="HeaderBytes"/> of them are enough.</summary>
    /// <exception cref="FormatException">As <see cref="Read"/>.</exception>
    public static IReadOnlyList<int> ReadShape(ReadOnlySpan<byte> bytes) => ReadHeader(bytes).Shape;

    private static (string Dtype, int[] Shape, int DataStart) ReadHeader(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 12 || !bytes[..6].SequenceEqual(Magic))
            throw new FormatException("not a .npy file: the magic string is missing");
        bool longHeader = bytes[6] >= 2;
        int start = longHeader ? 12 : 10;
        uint length = longHeader
            ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..])
            : BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]);
        if (length > MaxHeader || start + length > bytes.Length)
            throw new FormatException("the .npy header is longer than the file or than 64 KiB");
        string header = Encoding.Latin1.GetString(bytes.Slice(start, (int)length));
        Match descr = DescrPattern().Match(header);
        Match shapeText = ShapePattern().Match(header);
        if (!descr.Success || !shapeText.Success)
            throw new FormatException("the .npy header lacks 'descr' or 'shape'");
        if (header.Contains("'fortran_order': True", StringComparison.Ordinal))
            throw new FormatException("Fortran order is not supported: save numpy.ascontiguousarray(x)");
        return (descr.Groups[1].Value, ParseShape(shapeText.Groups[1].Value), start + (int)length);
    }

    private static float[] Convert(string dtype, ReadOnlySpan<byte> data, int count)
    {
        var values = new float[count];
        switch (dtype)
        {
            case "<f4":
                MemoryMarshal.Cast<byte, float>(data).CopyTo(values);
                break;
            case "<f8":
                for (int i = 0; i < count; i++)
                    values[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(data[(i * 8)..]);
                break;
            default:
                for (int i = 0; i < count; i++)
                    values[i] = data[i];
                break;
        }
        return values;
    }

    private static int[] ParseShape(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var shape = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i].TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out shape[i]))
                throw new FormatException($"the .npy shape has a size that is no 32-bit number: '{parts[i]}'");
        }
        try
        {
            TensorPayload.ElementCount(shape);
        }
        catch (OverflowException)
        {
            throw new FormatException("the .npy shape overflows");
        }
        return shape;
    }

    [GeneratedRegex("'descr':\\s*'([^']*)'")]
    private static partial Regex DescrPattern();

    [GeneratedRegex("'shape':\\s*\\(([^)]*)\\)")]
    private static partial Regex ShapePattern();
}
