using System.Buffers.Binary;

namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>The type of a storage's elements, as PyTorch names its storages.</summary>
internal enum TorchDtype
{
    Double,
    Float,
    Half,
    BFloat16,
    Long,
    Int,
    Short,
    Char,
    Byte,
    Bool,
}

/// <summary>A run of elements in the archive, which tensors view.</summary>
/// <param name="Entry">Name of the zip entry.</param>
/// <param name="Dtype">Type of the elements.</param>
/// <param name="Count">Number of elements; the entry's length is known to agree.</param>
internal sealed record TorchStorage(string Entry, TorchDtype Dtype, long Count)
{
    public int Width => WidthOf(Dtype);

    public static int WidthOf(TorchDtype dtype) => dtype switch
    {
        TorchDtype.Double or TorchDtype.Long => 8,
        TorchDtype.Float or TorchDtype.Int => 4,
        TorchDtype.Half or TorchDtype.BFloat16 or TorchDtype.Short => 2,
        _ => 1,
    };
}

/// <summary>
/// A strided view of a storage. Its bounds are checked when it is made: as in PyTorch, elements may overlap (an expanded tensor has
/// strides of 0), but none
/// lies outside the storage.
/// </summary>
internal sealed class TorchTensor : CheckpointTensor
{
    private const int MaxDimensions = 64;

    /// <summary>Of the elements as they are read: F32 or I64.</summary>
    private const long MaxBytes = SafetensorsFile.MaxFileLength;

    private readonly ZipDirectory _archive;
    private readonly TorchStorage _storage;
    private readonly long _offset;
    private readonly long[] _strides;
    private readonly long _count;

    /// <exception cref="InvalidCheckpointException">Sizes or strides are negative, overflow or leave the storage.</exception>
    public TorchTensor(ZipDirectory archive, TorchStorage storage, long offset, long[] shape, long[] strides)
    {
        (_archive, _storage, _offset, Shape, _strides) = (archive, storage, offset, shape, strides);
        string text = $"a tensor of shape [{string.Join(", ", shape)}]";
        if (shape.Length != strides.Length || shape.Length > MaxDimensions)
            throw new InvalidCheckpointException($"{text} has {strides.Length} strides, or more than {MaxDimensions} dimensions");
        if (offset < 0 || shape.Any(size => size < 0) || strides.Any(stride => stride < 0))
            throw new InvalidCheckpointException($"{text} has a negative size, stride or offset");
        try
        {
            // An empty tensor multiplies to 0 whatever its other sizes are.
            _count = shape.Contains(0) ? 0 : shape.Aggregate(1L, (product, size) => checked(product * size));
            long last = shape.Zip(strides).Aggregate(offset, (at, each) => checked(at + Math.Max(0, each.First - 1) * each.Second));
            if (_count > 0 && last >= storage.Count)
                throw new InvalidCheckpointException($"{text} reaches element {last} of a storage of {storage.Count}");
        }
        catch (OverflowException e)
        {
            throw new InvalidCheckpointException($"{text} has a size that overflows", e);
        }
    }

    public override IReadOnlyList<long> Shape { get; }

    private bool IsFloat => _storage.Dtype is TorchDtype.Double or TorchDtype.Float or TorchDtype.Half or TorchDtype.BFloat16;

    public override SafetensorsTensor Read()
    {
        int width = IsFloat ? sizeof(float) : sizeof(long);
        if (_count > MaxBytes / width)
            throw new InvalidCheckpointException(
                $"a tensor of shape [{string.Join(", ", Shape)}] is larger than the {MaxBytes} bytes allowed");
        ReadOnlySpan<byte> data = _archive.Read(_storage.Entry).Span;
        return IsFloat
            ? SafetensorsTensor.FromFloats(Gather(data, Float), Shape)
            : SafetensorsTensor.FromInt64(Gather(data, Integer), Shape);
    }

    private delegate T Element<T>(ReadOnlySpan<byte> bytes);

    private T[] Gather<T>(ReadOnlySpan<byte> data, Element<T> read)
    {
        var values = new T[_count];
        var index = new long[Shape.Count];
        long at = _offset;
        for (long i = 0; i < values.Length; i++)
        {
            values[i] = read(data[(int)(at * _storage.Width)..]);
            for (int level = index.Length - 1; level >= 0; level--)
            {
                at += _strides[level];
                if (++index[level] < Shape[level])
                    break;
                at -= index[level] * _strides[level];
                index[level] = 0;
            }
        }
        return values;
    }

    private float Float(ReadOnlySpan<byte> bytes) => _storage.Dtype switch
    {
        TorchDtype.Double => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        TorchDtype.Float => BinaryPrimitives.ReadSingleLittleEndian(bytes),
        TorchDtype.Half => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes),
        _ => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(bytes) << 16),
    };

    private long Integer(ReadOnlySpan<byte> bytes) => _storage.Dtype switch
    {
        TorchDtype.Long => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        TorchDtype.Int => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        TorchDtype.Short => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        TorchDtype.Char => (sbyte)bytes[0],
        _ => bytes[0],
    };
}
