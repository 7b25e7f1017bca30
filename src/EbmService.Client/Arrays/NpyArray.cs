using System.Numerics;
using System.Runtime.InteropServices;
using EbmService.Core.Tensors;

namespace EbmService.Client;

/// <summary>
/// An array of a .npy file with its numbers as they were stored: float32, float64, int32, int64 or uint8, little-endian, in C order, of
/// any shape.
/// </summary>
public sealed class NpyArray
{
    private readonly ReadOnlyMemory<byte> _data;
    private readonly NpyDtype _dtype;

    private NpyArray(NpyHeader header, ReadOnlyMemory<byte> data)
    {
        _dtype = header.Dtype;
        _data = data;
        Shape = header.Shape;
        Length = (int)TensorPayload.ElementCount(header.Shape);
        ElementType = TypeOf(header.Dtype);
    }

    /// <value>Sizes, outermost first; empty for a single number.</value>
    public IReadOnlyList<int> Shape { get; }

    /// <value>The number of elements.</value>
    public int Length { get; }

    /// <value>float, double, int, long or byte.</value>
    public Type ElementType { get; }

    /// <summary>Reads a file held in memory, which must not change afterwards: nothing is copied.</summary>
    /// <exception cref="FormatException">It is no .npy file of these kinds; the message says what is wrong.</exception>
    public static NpyArray Read(ReadOnlyMemory<byte> file)
    {
        NpyHeader header = NpyHeader.Read(file.Span);
        if (header.Dtype.BigEndian)
            throw new FormatException("the .npy file is big-endian; only little-endian files are read: save it with array.astype(array.dtype.newbyteorder('<'))");
        if (header.FortranOrder && header.Shape.Count(size => size != 1) > 1)
            throw new FormatException("the .npy file is in Fortran order; only C order is read: save it with numpy.ascontiguousarray(array)");
        _ = TypeOf(header.Dtype);
        ReadOnlyMemory<byte> data = file[header.DataStart..];
        long count = TensorPayload.ElementCount(header.Shape);
        if (count > Array.MaxLength || count * header.Dtype.Width != data.Length)
        {
            throw new FormatException(
                $"the shape ({string.Join(", ", header.Shape)}) asks for {count} elements of {header.Dtype.Width} bytes, but {data.Length} bytes follow the header");
        }
        return new NpyArray(header, data);
    }

    /// <summary>The elements, row-major, without a copy.</summary>
    /// <typeparam name="T"><see cref="ElementType"/>.</typeparam>
    /// <exception cref="InvalidOperationException">The elements are of another type.</exception>
    public ReadOnlySpan<T> AsSpan<T>()
        where T : unmanaged => typeof(T) == ElementType
        ? MemoryMarshal.Cast<byte, T>(_data.Span)
        : throw new InvalidOperationException($"the elements are {ElementType.Name}, not {typeof(T).Name}");

    /// <summary>The elements, row-major, converted to float where they are of another type.</summary>
    public float[] ToSingles() => Convert<float>();

    /// <summary>The elements, row-major, converted to double where they are of another type.</summary>
    public double[] ToDoubles() => Convert<double>();

    /// <summary>As rows of float.</summary>
    public TensorPayload ToTensor() => new(Shape, ToSingles());

    private T[] Convert<T>()
        where T : unmanaged, INumber<T> => _dtype switch
    {
        ('f', 4, _) => From<float, T>(),
        ('f', 8, _) => From<double, T>(),
        ('i', 4, _) => From<int, T>(),
        ('i', 8, _) => From<long, T>(),
        _ => From<byte, T>(),
    };

    private TTo[] From<TFrom, TTo>()
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        ReadOnlySpan<TFrom> from = MemoryMarshal.Cast<byte, TFrom>(_data.Span);
        if (typeof(TFrom) == typeof(TTo))
            return MemoryMarshal.Cast<TFrom, TTo>(from).ToArray();
        var to = new TTo[from.Length];
        for (int i = 0; i < to.Length; i++)
            to[i] = TTo.CreateSaturating(from[i]);
        return to;
    }

    private static Type TypeOf(NpyDtype dtype) => dtype switch
    {
        ('f', 4, _) => typeof(float),
        ('f', 8, _) => typeof(double),
        ('i', 4, _) => typeof(int),
        ('i', 8, _) => typeof(long),
        ('u', 1, _) => typeof(byte),
        _ => throw new FormatException(
            $"the .npy file holds numbers of kind '{dtype.Kind}{dtype.Width}'; f4, f8, i4, i8 and u1 are read"),
    };
}
