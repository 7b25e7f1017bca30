using System.Numerics;
using System.Runtime.InteropServices;

namespace EbmService.Inference.Diagnostics;

/// <summary>
/// A few fixed directions of unit length in the space of one input: chains that agree on energy but sit in different modes differ along some
/// of them. The same for every job of the same input length.
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
        ReadOnlySpan<Vector<float>> wideA = MemoryMarshal.Cast<float, Vector<float>>(a), wideB = MemoryMarshal.Cast<float, Vector<float>>(b);
        Vector<float> sums = Vector<float>.Zero;
        for (int i = 0; i < wideA.Length; i++)
            sums += wideA[i] * wideB[i];
        float sum = Vector.Sum(sums);
        for (int i = wideA.Length * Vector<float>.Count; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
