using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;
using Vector = System.Runtime.Intrinsics.Vector512<float>;

namespace EbmService.Inference.Numerics;

/// <summary>
/// float32 matrix products over dense memory on a CPU with 512-bit vectors, for the small products of perceptrons: libtorch's MKL uses half the
/// vector's width on some makes and microseconds to begin. Every number is one chain of fused multiply-adds in the order of the inner
/// index, so a row's bits depend neither on its place nor on the number of rows.
/// </summary>
internal static class DenseKernel
{
    private const int RowsTogether = 4;
    private const int ColumnsTogether = 64;
    private const int ProjectedTogether = 4;

    /// <summary>Whether a product of so many rows and columns may come here.</summary>
    public static bool Fits(long rows, long inner, long columns) =>
        Vector512.IsHardwareAccelerated && columns % Vector.Count == 0 && Math.Max(inner, columns) * rows < int.MaxValue / sizeof(float);

    /// <summary>left (rows, inner) times right (inner, columns), plus bias (columns) where given; all dense float32.</summary>
    public static Tensor Multiply(Tensor left, Tensor right, Tensor? bias)
    {
        int rows = (int)left.shape[0], inner = (int)left.shape[1], columns = (int)right.shape[1];
        Tensor result = empty(rows, columns);
        ReadOnlySpan<float> start = bias is null ? new float[columns] : Floats(bias);
        Multiply(Floats(left), Floats(right), start, Floats(result), rows, inner, columns);
        return result;
    }

    /// <summary>input (rows, inner) times weight' (columns, inner), plus bias (columns), every number summed in float64: for the layer that makes energies. Dense float32.</summary>
    /// <returns>(rows, columns) float64.</returns>
    public static Tensor Project(Tensor input, Tensor weight, Tensor bias)
    {
        int rows = (int)input.shape[0], inner = (int)input.shape[1], columns = (int)weight.shape[0];
        Tensor result = empty(rows, columns, dtype: ScalarType.Float64);
        ref float left = ref MemoryMarshal.GetReference(Floats(input)), right = ref MemoryMarshal.GetReference(Floats(weight));
        ReadOnlySpan<float> start = Floats(bias);
        Span<double> sums = MemoryMarshal.Cast<byte, double>(result.bytes);
        int even = columns - columns % ProjectedTogether;
        for (int row = 0; row < rows; row++)
        {
            ref float a = ref Unsafe.Add(ref left, row * inner);
            Span<double> sum = sums.Slice(row * columns, columns);
            for (int column = 0; column < even; column += ProjectedTogether)
                Dots(ref a, ref Unsafe.Add(ref right, column * inner), inner, sum[column..]);
            for (int column = even; column < columns; column++)
                sum[column] = Dot(ref a, ref Unsafe.Add(ref right, column * inner), inner);
            for (int column = 0; column < columns; column++)
                sum[column] += start[column];
        }
        return result;
    }

    /// <summary>Four columns: what is loaded of the row serves them all, and their sums don't wait for one another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dots(ref float a, ref float b, int inner, Span<double> sums)
    {
        ref float b1 = ref Unsafe.Add(ref b, inner), b2 = ref Unsafe.Add(ref b1, inner), b3 = ref Unsafe.Add(ref b2, inner);
        nuint vectors = (nuint)(inner - inner % Vector.Count);
        Vector512<double> sum0 = Vector512<double>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        Vector512<double> upper0 = sum0, upper1 = sum0, upper2 = sum0, upper3 = sum0;
        for (nuint i = 0; i < vectors; i += (nuint)Vector.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.LoadUnsafe(ref a, i));
            AddProducts(lower, upper, ref b, i, ref sum0, ref upper0);
            AddProducts(lower, upper, ref b1, i, ref sum1, ref upper1);
            AddProducts(lower, upper, ref b2, i, ref sum2, ref upper2);
            AddProducts(lower, upper, ref b3, i, ref sum3, ref upper3);
        }
        sums[0] = Total(sum0, upper0, ref a, ref b, (int)vectors, inner);
        sums[1] = Total(sum1, upper1, ref a, ref b1, (int)vectors, inner);
        sums[2] = Total(sum2, upper2, ref a, ref b2, (int)vectors, inner);
        sums[3] = Total(sum3, upper3, ref a, ref b3, (int)vectors, inner);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Dot(ref float a, ref float b, int inner)
    {
        nuint vectors = (nuint)(inner - inner % Vector.Count);
        Vector512<double> sum = Vector512<double>.Zero, sumOfUpper = sum;
        for (nuint i = 0; i < vectors; i += (nuint)Vector.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.LoadUnsafe(ref a, i));
            AddProducts(lower, upper, ref b, i, ref sum, ref sumOfUpper);
        }
        return Total(sum, sumOfUpper, ref a, ref b, (int)vectors, inner);
    }

    /// <summary>A product of two float32 numbers is exact in float64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(
        Vector512<double> lower, Vector512<double> upper, ref float b, nuint at, ref Vector512<double> sum, ref Vector512<double> sumOfUpper)
    {
        (Vector512<double> lowerOfB, Vector512<double> upperOfB) = Vector512.Widen(Vector512.LoadUnsafe(ref b, at));
        sum = Vector512.FusedMultiplyAdd(lower, lowerOfB, sum);
        sumOfUpper = Vector512.FusedMultiplyAdd(upper, upperOfB, sumOfUpper);
    }

    private static double Total(Vector512<double> sum, Vector512<double> sumOfUpper, ref float a, ref float b, int from, int inner)
    {
        double total = Vector512.Sum(sum + sumOfUpper);
        for (int i = from; i < inner; i++)
            total += (double)Unsafe.Add(ref a, i) * Unsafe.Add(ref b, i);
        return total;
    }

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    private static void Multiply(
        ReadOnlySpan<float> left, ReadOnlySpan<float> right, ReadOnlySpan<float> start, Span<float> result, int rows, int inner, int columns)
    {
        ref float a = ref MemoryMarshal.GetReference(left), b = ref MemoryMarshal.GetReference(right);
        ref float s = ref MemoryMarshal.GetReference(start), c = ref MemoryMarshal.GetReference(result);
        int evenRows = rows - rows % RowsTogether, evenColumns = columns - columns % ColumnsTogether;
        for (int column = 0; column < evenColumns; column += ColumnsTogether)
        {
            for (int row = 0; row < evenRows; row += RowsTogether)
            {
                Tile(ref Unsafe.Add(ref a, row * inner), ref Unsafe.Add(ref b, column), ref Unsafe.Add(ref s, column),
                    ref Unsafe.Add(ref c, row * columns + column), inner, columns);
            }
        }
        for (int row = 0; row < rows; row++)
        {
            for (int column = row < evenRows ? evenColumns : 0; column < columns; column += Vector.Count)
            {
                Strip(ref Unsafe.Add(ref a, row * inner), ref Unsafe.Add(ref b, column), ref Unsafe.Add(ref s, column),
                    ref Unsafe.Add(ref c, row * columns + column), inner, columns);
            }
        }
    }

    /// <summary>One row, one vector of columns.</summary>
    private static void Strip(ref float a, ref float b, ref float start, ref float c, int inner, int columns)
    {
        Vector sum = Vector512.LoadUnsafe(ref start);
        for (int k = 0; k < inner; k++)
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref a, k)), Vector512.LoadUnsafe(ref b, (nuint)(k * columns)), sum);
        sum.StoreUnsafe(ref c);
    }

    /// <summary>Four rows, four vectors of columns: sixteen sums that stay in registers.</summary>
    private static void Tile(ref float a, ref float b, ref float start, ref float c, int inner, int columns)
    {
        Vector c00 = Vector512.LoadUnsafe(ref start), c01 = Vector512.LoadUnsafe(ref start, 16);
        Vector c02 = Vector512.LoadUnsafe(ref start, 32), c03 = Vector512.LoadUnsafe(ref start, 48);
        Vector c10 = c00, c11 = c01, c12 = c02, c13 = c03, c20 = c00, c21 = c01, c22 = c02, c23 = c03, c30 = c00, c31 = c01, c32 = c02, c33 = c03;
        for (int k = 0; k < inner; k++)
        {
            Vector b0 = Vector512.LoadUnsafe(ref b), b1 = Vector512.LoadUnsafe(ref b, 16);
            Vector b2 = Vector512.LoadUnsafe(ref b, 32), b3 = Vector512.LoadUnsafe(ref b, 48);
            Accumulate(Unsafe.Add(ref a, k), b0, b1, b2, b3, ref c00, ref c01, ref c02, ref c03);
            Accumulate(Unsafe.Add(ref a, k + inner), b0, b1, b2, b3, ref c10, ref c11, ref c12, ref c13);
            Accumulate(Unsafe.Add(ref a, k + 2 * inner), b0, b1, b2, b3, ref c20, ref c21, ref c22, ref c23);
            Accumulate(Unsafe.Add(ref a, k + 3 * inner), b0, b1, b2, b3, ref c30, ref c31, ref c32, ref c33);
            b = ref Unsafe.Add(ref b, columns);
        }
        Store(ref c, c00, c01, c02, c03);
        Store(ref Unsafe.Add(ref c, columns), c10, c11, c12, c13);
        Store(ref Unsafe.Add(ref c, 2 * columns), c20, c21, c22, c23);
        Store(ref Unsafe.Add(ref c, 3 * columns), c30, c31, c32, c33);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate(
        float factor, Vector b0, Vector b1, Vector b2, Vector b3, ref Vector c0, ref Vector c1, ref Vector c2, ref Vector c3)
    {
        Vector a = Vector512.Create(factor);
        c0 = Vector512.FusedMultiplyAdd(a, b0, c0);
        c1 = Vector512.FusedMultiplyAdd(a, b1, c1);
        c2 = Vector512.FusedMultiplyAdd(a, b2, c2);
        c3 = Vector512.FusedMultiplyAdd(a, b3, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ref float c, Vector c0, Vector c1, Vector c2, Vector c3)
    {
        c0.StoreUnsafe(ref c);
        c1.StoreUnsafe(ref c, 16);
        c2.StoreUnsafe(ref c, 32);
        c3.StoreUnsafe(ref c, 48);
    }
}
