using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EbmService.Inference.Diagnostics;

/// <summary>
/// Autocovariances of centred chains, averaged over the chains: at lag t the sum of x[i] x[i + t] over draws and chains, by their
/// number. The first lags one by one, as most series need no more; all at once by Fourier transform when a series needs many.
/// </summary>
internal sealed class LaggedProducts
{
    /// <summary>
    /// A transform takes the time of 36 to 130 single lags, by shape (measured). Well mixing chains end before this many, slow ones
    /// need hundreds and should not pay twice.
    /// </summary>
    internal const int DirectLags = 24;

    private readonly ReadOnlyMemory<double> _centred;
    private readonly int _rows;
    private readonly int _columns;
    private double[]? _transformed;

    /// <param name="centred">Row-major (rows, columns), every column's mean 0.</param>
    public LaggedProducts(ReadOnlyMemory<double> centred, int columns)
    {
        (_centred, _columns) = (centred, columns);
        _rows = centred.Length / columns;
    }

    public double this[int lag]
    {
        get
        {
            if (lag >= DirectLags)
                _transformed ??= PowerSpectrum.Autocovariances(_centred.Span, _columns);
            return (_transformed is null ? Direct(lag) : _transformed[lag]) / ((double)_rows * _columns);
        }
    }

    // Rows follow each other, so a lag of t draws is a shift by t rows, in all chains at once.
    private double Direct(int lag)
    {
        ReadOnlySpan<double> all = _centred.Span;
        return Dot(all[..^(lag * _columns)], all[(lag * _columns)..]);
    }

    // Vectors of one width and no fused operations: the same bits on every processor.
    private static double Dot(ReadOnlySpan<double> first, ReadOnlySpan<double> second)
    {
        ReadOnlySpan<Vector256<double>> a = MemoryMarshal.Cast<double, Vector256<double>>(first);
        ReadOnlySpan<Vector256<double>> b = MemoryMarshal.Cast<double, Vector256<double>>(second);
        Vector256<double> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        int i = 0;
        for (; i + 4 <= a.Length && i + 4 <= b.Length; i += 4)
        {
            sum0 += a[i] * b[i];
            sum1 += a[i + 1] * b[i + 1];
            sum2 += a[i + 2] * b[i + 2];
            sum3 += a[i + 3] * b[i + 3];
        }
        double sum = Vector256.Sum((sum0 + sum1) + (sum2 + sum3));
        for (int k = i * Vector256<double>.Count; k < first.Length; k++)
            sum += first[k] * second[k];
        return sum;
    }
}
