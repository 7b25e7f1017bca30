using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace EbmService.Core.Tensors;

/// <summary>NumPy's .npy format, versions 1 to 3: writes little-endian float32 in C order, reads every plain number type in either order.</summary>
/// <remarks>https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html</remarks>
public static class NpyFormat
{
    public const string MediaType = "application/x-npy";

    /// <summary>The most bytes that come before the numbers.</summary>
    public const int HeaderBytes = NpyHeader.MaxLength + 12;

    /// <summary>Encodes a float32 tensor; the header is padded to a multiple of 64 bytes as NumPy does.</summary>
    public static byte[] Write(TensorPayload tensor)
    {
        string dimensions = string.Concat(tensor.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture) + ", "));
        string shape = tensor.Shape.Count == 1 ? dimensions.TrimEnd(' ') : dimensions.TrimEnd(',', ' ');
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}";
        int total = (10 + header.Length + 1 + 63) / 64 * 64;
        var bytes = new byte[total + tensor.Values.Length * sizeof(float)];
        NpyHeader.Magic.CopyTo(bytes);
        bytes[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)(total - 10));
        Encoding.ASCII.GetBytes(header.PadRight(total - 11) + "\n", bytes.AsSpan(10));
        MemoryMarshal.AsBytes(tensor.Values.AsSpan()).CopyTo(bytes.AsSpan(total));
        return bytes;
    }

    /// <summary>Decodes a file held in memory to float32 in C order, whatever the file's order.</summary>
    /// <exception cref="FormatException">The bytes are no .npy file of a supported kind; the message says what is wrong.</exception>
    public static TensorPayload Read(ReadOnlySpan<byte> bytes) => Read(bytes, out _);

    /// <summary>As <see cref="Read(ReadOnlySpan{byte})"/>; the header tells what the numbers were, for example pixel levels.</summary>
    /// <exception cref="FormatException">The bytes are no .npy file of a supported kind; the message says what is wrong.</exception>
    public static TensorPayload Read(ReadOnlySpan<byte> bytes, out NpyHeader header)
    {
        header = NpyHeader.Read(bytes);
        ReadOnlySpan<byte> data = bytes[header.DataStart..];
        long count = TensorPayload.ElementCount(header.Shape);
        int width = header.Dtype.Width;
        if (count > int.MaxValue / width || count * width != data.Length)
            throw new FormatException($"the shape asks for {count} elements of {width} bytes, but {data.Length} bytes follow the header");
        var values = new float[count];
        if (header.Dtype == NpyDtype.Float32)
            MemoryMarshal.Cast<byte, float>(data).CopyTo(values);
        else
            header.Dtype.Convert(data, values);
        return new TensorPayload(header.Shape, header.FortranOrder ? ToRowMajor(values, header.Shape) : values);
    }

    /// <summary>The shape alone, of a file's first bytes: <see cref="HeaderBytes"/> of them are enough.</summary>
    /// <exception cref="FormatException">As <see cref="Read(ReadOnlySpan{byte})"/>.</exception>
    public static IReadOnlyList<int> ReadShape(ReadOnlySpan<byte> bytes) => NpyHeader.Read(bytes).Shape;

    private static float[] ToRowMajor(float[] values, IReadOnlyList<int> shape)
    {
        var ordered = new float[values.Length];
        var index = new int[shape.Count];
        foreach (float value in values)
        {
            int at = 0;
            for (int level = 0; level < index.Length; level++)
                at = at * shape[level] + index[level];
            ordered[at] = value;
            for (int level = 0; level < index.Length && ++index[level] == shape[level]; level++)
                index[level] = 0;
        }
        return ordered;
    }
}
