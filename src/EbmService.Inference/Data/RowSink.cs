using System.Runtime.InteropServices;
using EbmService.Core.Datasets;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Data;

/// <summary>Writes rows of one shape to a .npy file as they come, and what they are like. Its memory does not grow with them.</summary>
/// <param name="to">Seekable and empty: the header, which says how many rows there are, is written last.</param>
/// <param name="maxBytes">What the rows may take.</param>
internal sealed class RowSink(Stream to, long maxBytes)
{
    /// <summary>For any shape of up to 32 sizes.</summary>
    private const int HeaderBytes = 448;

    private IReadOnlyList<int> _shape = [];
    private NpyDtype _dtype;
    private long _numbers;
    private int _length;
    private bool _isBinary = true;
    private bool _hasOne;

    public double Min { get; private set; } = double.PositiveInfinity;

    public double Max { get; private set; } = double.NegativeInfinity;

    public int Rows => _length == 0 ? 0 : checked((int)(_numbers / _length));

    /// <param name="shape">Of one row.</param>
    /// <exception cref="InvalidDatasetException">It has no size.</exception>
    public void Begin(IReadOnlyList<int> shape, bool isUint8)
    {
        (_shape, _dtype) = (shape, isUint8 ? NpyDtype.Uint8 : NpyDtype.Float32);
        long length = TensorPayload.ElementCount(shape);
        if (shape.Any(size => size < 1) || length > 1 << 26)
            throw new InvalidDatasetException($"rows of shape [{string.Join(", ", shape)}] are not read: a row has 1 to {1 << 26} numbers");
        _length = (int)length;
        to.Write(NpyFormat.Header(_dtype, [0, .. shape], HeaderBytes));
    }

    /// <summary>Any number of rows, or parts of them.</summary>
    public void Write(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            float value = values[i];
            if (!float.IsFinite(value))
                throw new InvalidDatasetException($"row {(_numbers + i) / _length} holds a number that is not finite");
            _isBinary &= value is 0 or 1;
            (Min, Max) = (Math.Min(Min, value), Math.Max(Max, value));
        }
        Append(MemoryMarshal.AsBytes(values), values.Length);
    }

    /// <summary>Levels 0 to 255.</summary>
    public void Write(ReadOnlySpan<byte> levels)
    {
        foreach (byte level in levels)
        {
            (Min, Max) = (Math.Min(Min, level), Math.Max(Max, level));
            _isBinary &= level is 0 or 1 or 255;
            _hasOne |= level == 1;
        }
        Append(levels, levels.Length);
    }

    /// <summary>Writes the header.</summary>
    /// <exception cref="InvalidDatasetException">There are no rows.</exception>
    public DatasetContent Finish(IReadOnlyDictionary<int, int>? labelCounts)
    {
        if (_numbers == 0)
            throw new InvalidDatasetException("there are no rows in it");
        to.Position = 0;
        to.Write(NpyFormat.Header(_dtype, [Rows, .. _shape], HeaderBytes));
        to.Flush();
        bool isUint8 = _dtype.IsUint8;
        return new DatasetContent(Rows, _shape, isUint8 ? Dataset.Uint8 : Dataset.Float32, Min, Max,
            _isBinary && !(isUint8 && _hasOne && Max > 1), labelCounts);
    }

    private void Append(ReadOnlySpan<byte> bytes, int numbers)
    {
        _numbers += numbers;
        if (_numbers * _dtype.Width > maxBytes || _numbers / _length > int.MaxValue - 1)
            throw new InvalidDatasetException($"the rows take more than {maxBytes} bytes, the most that this server keeps of a dataset");
        to.Write(bytes);
    }
}

/// <summary>Class indices on their way to a .npy file.</summary>
internal sealed class LabelSink(Stream to)
{
    private const int MaxClasses = 1 << 20;

    private readonly RowSink _sink = new(to, long.MaxValue);
    private readonly SortedDictionary<int, int> _counts = [];

    public int Count { get; private set; }

    public void Write(ReadOnlySpan<float> labels)
    {
        if (Count == 0)
            _sink.Begin([1], isUint8: false);
        foreach (float label in labels)
        {
            int index = ArrayReader.Label(label, ++Count);
            _counts[index] = _counts.GetValueOrDefault(index) + 1;
            if (_counts.Count > MaxClasses)
                throw new InvalidDatasetException("there are too many classes");
        }
        _sink.Write(labels);
    }

    /// <returns>Rows by class; null where there were no labels.</returns>
    public IReadOnlyDictionary<int, int>? Finish()
    {
        if (Count == 0)
            return null;
        _sink.Finish(null);
        return _counts;
    }
}
