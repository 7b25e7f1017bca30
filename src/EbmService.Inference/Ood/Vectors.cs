using System.Collections.Concurrent;
using System.Numerics;

namespace EbmService.Inference.Ood;

/// <summary>Sums of products in managed code: a row's numbers depend on nothing but the row.</summary>
internal static class Vectors
{
    private static readonly ConcurrentDictionary<(int Length, int Width), int[]> s_folds = new();

    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        int width = Vector<float>.Count, i = 0;
        Vector<float> first = Vector<float>.Zero, second = Vector<float>.Zero;
        for (; i <= a.Length - 2 * width; i += 2 * width)
        {
            first += new Vector<float>(a[i..]) * new Vector<float>(b[i..]);
            second += new Vector<float>(a[(i + width)..]) * new Vector<float>(b[(i + width)..]);
        }
        float sum = Vector.Sum(first + second);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    public static double SquaredLength(ReadOnlySpan<float> a)
    {
        double sum = 0;
        foreach (float value in a)
            sum += (double)value * value;
        return sum;
    }

    /// <summary>The squared length of L (a - b), L lower triangular, row by row.</summary>
    public static double Whitened(ReadOnlySpan<float> lower, ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        int size = a.Length;
        Span<float> difference = size <= 512 ? stackalloc float[size] : new float[size];
        for (int i = 0; i < size; i++)
            difference[i] = a[i] - b[i];
        double sum = 0;
        for (int i = 0; i < size; i++)
        {
            float value = Dot(lower.Slice(i * size, i + 1), difference[..(i + 1)]);
            sum += (double)value * value;
        }
        return sum;
    }

    public static void AddTo(Span<double> target, ReadOnlySpan<double> values)
    {
        for (int i = 0; i < target.Length; i++)
            target[i] += values[i];
    }

    /// <summary>Folds a long row into a shorter one, each number with a fixed random sign (feature hashing, Weinberger et al. 2009); a short row stays.</summary>
    public static ReadOnlySpan<float> Fold(ReadOnlySpan<float> row, int width)
    {
        if (row.Length <= width)
            return row;
        int[] places = s_folds.GetOrAdd((row.Length, width), MakeFold);
        var folded = new float[width];
        for (int i = 0; i < row.Length; i++)
        {
            int place = places[i];
            folded[place >> 1] += (place & 1) == 0 ? row[i] : -row[i];
        }
        return folded;
    }

    /// <summary>Twice the place of each number, plus 1 where its sign is turned.</summary>
    private static int[] MakeFold((int Length, int Width) of)
    {
        var places = new int[of.Length];
        for (int i = 0; i < of.Length; i++)
        {
            // The last bits of a multiplicative hash (Knuth): as good as random here and the same everywhere.
            uint hash = unchecked((uint)i * 2654435761u);
            places[i] = (int)((hash >> 1) % (uint)of.Width) << 1 | (int)(hash >> 31);
        }
        return places;
    }
}
