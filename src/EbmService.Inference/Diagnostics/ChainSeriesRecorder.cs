using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;

namespace EbmService.Inference.Diagnostics;

/// <summary>
/// Keeps draws of energy, gradient norm and projections of a block's chains, in bounded memory: when the room is full every other draw goes
/// and the interval doubles. What is kept after n steps is a function of n and the spec alone, however the steps were cut into quanta.
/// </summary>
internal sealed class ChainSeriesRecorder
{
    /// <summary>Chains of a job that are diagnosed; of a larger job the first.</summary>
    public const int MaxChains = 2048;

    private const int MaxDraws = 1024;
    private const int MinDraws = 128;
    private const int MaxValuesPerQuantity = 1 << 18;

    public static readonly IReadOnlyList<string> Names =
        ["energy", "gradientNorm", .. Enumerable.Range(0, RandomProjections.Count).Select(i => $"projection{i}")];

    private readonly RandomProjections _projections;
    private readonly int _chains;
    private readonly int _length;
    private readonly int _warmup;
    private readonly int _capacity;
    private readonly float[] _points;
    private readonly bool[] _alive;
    private float[] _values;

    /// <param name="spec">The job.</param>
    /// <param name="block">The block of it.</param>
    /// <param name="length">Numbers in one input.</param>
    public ChainSeriesRecorder(SamplingSpec spec, BlockPlan block, int length)
    {
        (_length, _warmup) = (length, spec.Warmup);
        _chains = Math.Clamp(MaxChains - block.Offset, 0, block.Count);
        int diagnosed = Math.Min(spec.Chains, MaxChains);
        _capacity = Math.Clamp((int)BitOperations.RoundUpToPowerOf2((uint)(MaxValuesPerQuantity / diagnosed)), MinDraws, MaxDraws);
        _projections = new RandomProjections(length);
        _points = new float[_chains * length];
        _alive = new bool[_chains];
        _values = new float[Math.Min(_capacity, Math.Max(0, spec.Steps - spec.Warmup)) * Width];
    }

    public int Interval { get; private set; } = 1;

    public int Draws { get; private set; }

    private int Width => Names.Count * _chains;

    /// <summary>Records the step just done, if it is due.</summary>
    public void Record(ChainState state)
    {
        int after = state.Step - _warmup;
        if (_chains == 0 || after <= 0 || after % Interval != 0)
            return;
        if (Draws == _capacity)
        {
            Thin();
            if (after % Interval != 0)
                return;
        }
        if ((Draws + 1) * Width > _values.Length)
            Array.Resize(ref _values, Math.Min(_capacity, 2 * (Draws + 1)) * Width);
        Write(state, _values.AsSpan(Draws * Width, Width));
        Draws++;
    }

    /// <summary>The draws so far, as a copy.</summary>
    public ChainSeries Capture() => new(_chains, Interval, _warmup + Interval, Draws, Names, _values[..(Draws * Width)]);

    public void Save(Dictionary<string, SafetensorsTensor> tensors, Dictionary<string, string> metadata)
    {
        tensors["series"] = SafetensorsTensor.FromFloats(_values.AsSpan(0, Draws * Width), [Draws, Names.Count, _chains]);
        metadata["series.interval"] = Interval.ToString(CultureInfo.InvariantCulture);
        metadata["series.first"] = (_warmup + Interval).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The draws in a block's result.</summary>
    public static ChainSeries Read(SafetensorsFile file) => new(
        (int)file["series"].Shape[2], int.Parse(file.Metadata["series.interval"], CultureInfo.InvariantCulture),
        int.Parse(file.Metadata["series.first"], CultureInfo.InvariantCulture), (int)file["series"].Shape[0], Names,
        file["series"].ToFloats());

    /// <exception cref="InvalidCheckpointException">The draws are not of this block.</exception>
    public void Restore(SafetensorsFile file)
    {
        float[] values = file["series"].ToFloats();
        if (!int.TryParse(file.Metadata.GetValueOrDefault("series.interval"), CultureInfo.InvariantCulture, out int interval)
            || interval < 1 || !file["series"].Shape.Skip(1).SequenceEqual([Names.Count, _chains]) || file["series"].Shape[0] > _capacity)
            throw new InvalidCheckpointException("the checkpoint's draws are not of this block");
        (Interval, Draws) = (interval, (int)file["series"].Shape[0]);
        if (values.Length > _values.Length)
            Array.Resize(ref _values, values.Length);
        values.CopyTo(_values, 0);
    }

    /// <summary>Draws lie at multiples of the interval, so that the second of each pair is a multiple of twice that.</summary>
    private void Thin()
    {
        for (int draw = 0; draw < Draws / 2; draw++)
            _values.AsSpan((2 * draw + 1) * Width, Width).CopyTo(_values.AsSpan(draw * Width, Width));
        Draws /= 2;
        Interval *= 2;
    }

    private void Write(ChainState state, Span<float> row)
    {
        state.CopyReported(state.Energy, row[.._chains]);
        state.CopyReported(state.GradientNorm, row.Slice(_chains, _chains));
        state.CopyReported(state.X, _points);
        state.CopyAlive(_alive);
        for (int chain = 0; chain < _chains; chain++)
        {
            ReadOnlySpan<float> point = _points.AsSpan(chain * _length, _length);
            for (int direction = 0; direction < RandomProjections.Count; direction++)
                row[(2 + direction) * _chains + chain] = _projections.Of(direction, point);
            // A frozen chain draws no more: it is left out of the statistics instead of passing for a stuck one.
            if (!_alive[chain])
                row[chain] = float.NaN;
        }
    }
}

/// <summary>
/// A few fixed directions of unit length in the space of one input: chains that agree on energy but sit in different modes differ along
/// some of them. The same for every job of the same input length.
/// </summary>
internal sealed class RandomProjections
{
    public const int Count = 4;
    private const int Seed = 20_210_601;
    private readonly float[] _directions;
    private readonly int _length;

    /// <param name="length">Numbers in one input.</param>
    public RandomProjections(int length)
    {
        _length = length;
        _directions = new float[Count * length];
        // Random(seed) is a fixed algorithm by contract.
        var random = new Random(Seed);
        for (int direction = 0; direction < Count; direction++)
        {
            Span<float> numbers = _directions.AsSpan(direction * length, length);
            foreach (ref float number in numbers)
                number = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
            float norm = MathF.Sqrt(Dot(numbers, numbers));
            foreach (ref float number in numbers)
                number /= norm;
        }
    }

    /// <summary>The component of a point along a direction.</summary>
    public float Of(int direction, ReadOnlySpan<float> point) => Dot(_directions.AsSpan(direction * _length, _length), point);

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector<float>> wideA = MemoryMarshal.Cast<float, Vector<float>>(a);
        ReadOnlySpan<Vector<float>> wideB = MemoryMarshal.Cast<float, Vector<float>>(b);
        Vector<float> sums = Vector<float>.Zero;
        for (int i = 0; i < wideA.Length; i++)
            sums += wideA[i] * wideB[i];
        float sum = Vector.Sum(sums);
        for (int i = wideA.Length * Vector<float>.Count; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
