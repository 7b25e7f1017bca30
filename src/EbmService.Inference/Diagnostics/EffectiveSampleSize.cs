using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EbmService.Inference.Diagnostics;

/// <summary>
/// How many independent draws the draws of several chains are worth for a mean: number / tau, tau from autocorrelations over all
/// chains together (never a sum over chains), cut by Geyer's (1992) initial positive and initial monotone sequences, and at
/// least 1 / log10(number). ArviZ's <c>_ess</c>.
/// </summary>
internal static class EffectiveSampleSize
{
    /// <param name="values">Row-major (draws, chains), at least 2 draws.</param>
    /// <param name="scratch">As long as <paramref name="values"/>; overwritten.</param>
    /// <returns>For values that are all equal their number, as ArviZ: an indicator that never changes costs nothing.</returns>
    public static double Compute(ReadOnlySpan<double> values, int chains, Memory<double> scratch)
    {
        if (values.IndexOfAnyExcept(values[0]) < 0)
            return values.Length;
        int draws = values.Length / chains;
        double[] means = Moments.Means(values, chains);
        Moments.Centre(values, means, scratch.Span);
        var products = new LaggedProducts(scratch, chains);
        double variance = products[0], within = variance * draws / (draws - 1);
        if (chains > 1)
            variance += Moments.Variance(means);
        double tau = Tau(lag => 1 - (within - products[lag]) / variance, draws);
        return values.Length / Math.Max(tau, 1 / Math.Log10(values.Length));
    }

    /// <summary>The integrated autocorrelation time from autocorrelations at each lag.</summary>
    private static double Tau(Func<int, double> autocorrelation, int draws)
    {
        (double[] rho, int last) = PositiveSequence(autocorrelation, draws);
        // No pair's sum may exceed the pair before.
        for (int t = 2; t < last - 1; t += 2)
        {
            double before = rho[t - 2] + rho[t - 1];
            if (rho[t] + rho[t + 1] > before)
                rho[t] = rho[t + 1] = before / 2;
        }
        double sum = rho[last];
        for (int t = 0; t < last; t++)
            sum += 2 * rho[t];
        return sum - 1;
    }

    /// <summary>Pairs of autocorrelations while their sums are positive; the last lag counts once.</summary>
    private static (double[] Rho, int Last) PositiveSequence(Func<int, double> autocorrelation, int draws)
    {
        var rho = new double[draws];
        double even = 1, odd = autocorrelation(1);
        (rho[0], rho[1]) = (even, odd);
        int t = 0;
        while (t < draws - 4 && even + odd > 0)
        {
            t += 2;
            (even, odd) = (autocorrelation(t), autocorrelation(t + 1));
            if (even + odd >= 0)
                (rho[t], rho[t + 1]) = (even, odd);
        }
        // The even lag after the last whole pair improves the estimate.
        if (even > 0)
            rho[t] = even;
        return (rho, t);
    }
}

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

/// <summary>Autocovariances by Fourier transform (Wiener-Khinchin), eight chains at a time.</summary>
internal static class PowerSpectrum
{
    private const int Lanes = 4;

    /// <summary>For each lag the sum of x[i] x[i + lag] over rows and columns.</summary>
    /// <param name="values">Row-major (rows, columns).</param>
    public static double[] Autocovariances(ReadOnlySpan<double> values, int columns)
    {
        int rows = values.Length / columns;
        var transform = new FourierTransform(rows);
        int size = transform.Size;
        var real = new Vector256<double>[size];
        var imaginary = new Vector256<double>[size];
        var power = new Vector256<double>[size];
        for (int column = 0; column < columns; column += 2 * Lanes)
        {
            Load(values, columns, column, transform, real, imaginary);
            transform.Forward(real, imaginary);
            AddPower(real, imaginary, power);
        }
        // The power of a real series is even: its transform is real, and the same forwards and backwards.
        Array.Clear(imaginary);
        for (int i = 0; i < size; i++)
            real[transform.Reversed(i)] = Vector256.Create(Vector256.Sum(power[i]) / size);
        transform.Forward(real, imaginary);
        var sums = new double[rows];
        for (int lag = 0; lag < rows; lag++)
            sums[lag] = real[lag][0];
        return sums;
    }

    // Real and imaginary part carry a chain each: both spectra come apart in AddPower.
    private static void Load(
        ReadOnlySpan<double> values, int columns, int column, FourierTransform transform,
        Vector256<double>[] real, Vector256<double>[] imaginary)
    {
        Array.Clear(real);
        Array.Clear(imaginary);
        int width = Math.Min(2 * Lanes, columns - column);
        Span<double> eight = stackalloc double[2 * Lanes];
        eight.Clear();
        for (int row = 0, start = column; start < values.Length; row++, start += columns)
        {
            values.Slice(start, width).CopyTo(eight);
            ReadOnlySpan<Vector256<double>> pair = MemoryMarshal.Cast<double, Vector256<double>>(eight);
            int target = transform.Reversed(row);
            (real[target], imaginary[target]) = (pair[0], pair[1]);
        }
    }

    // For z = x + iy with real x and y: |X(f)|^2 + |Y(f)|^2 = (|Z(f)|^2 + |Z(-f)|^2) / 2.
    private static void AddPower(Vector256<double>[] real, Vector256<double>[] imaginary, Vector256<double>[] power)
    {
        int mask = power.Length - 1;
        for (int i = 0; i < power.Length; i++)
        {
            int mirror = (power.Length - i) & mask;
            power[i] += 0.5 * (real[i] * real[i] + imaginary[i] * imaginary[i]
                + real[mirror] * real[mirror] + imaginary[mirror] * imaginary[mirror]);
        }
    }
}

/// <summary>A radix-2 transform of four complex series at once, padded to hold every lag without wrapping round.</summary>
internal sealed class FourierTransform
{
    private readonly double[] _cosines;
    private readonly double[] _sines;
    private readonly int _shift;

    /// <param name="length">Of the series; the transform is the power of two at or above twice that.</param>
    public FourierTransform(int length)
    {
        Size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(2, 2 * length));
        _shift = 32 - BitOperations.Log2((uint)Size);
        _cosines = new double[Size / 2];
        _sines = new double[Size / 2];
        for (int i = 0; i < Size / 2; i++)
            (_sines[i], _cosines[i]) = Math.SinCos(-2 * Math.PI * i / Size);
    }

    public int Size { get; }

    /// <summary>Where an element must lie before <see cref="Forward"/>: its index with the bits turned round.</summary>
    public int Reversed(int index)
    {
        uint bits = (uint)index;
        bits = ((bits >> 1) & 0x55555555) | ((bits & 0x55555555) << 1);
        bits = ((bits >> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
        bits = ((bits >> 4) & 0x0F0F0F0F) | ((bits & 0x0F0F0F0F) << 4);
        bits = ((bits >> 8) & 0x00FF00FF) | ((bits & 0x00FF00FF) << 8);
        return (int)(BitOperations.RotateLeft(bits, 16) >> _shift);
    }

    /// <summary>In place: elements at their reversed places become frequencies in order.</summary>
    public void Forward(Span<Vector256<double>> real, Span<Vector256<double>> imaginary)
    {
        for (int half = 1; half < Size; half *= 2)
        {
            int stride = Size / (2 * half);
            for (int start = 0; start < Size; start += 2 * half)
            {
                Combine(
                    real.Slice(start, half), imaginary.Slice(start, half),
                    real.Slice(start + half, half), imaginary.Slice(start + half, half), stride);
            }
        }
    }

    private void Combine(
        Span<Vector256<double>> evenReal, Span<Vector256<double>> evenImaginary,
        Span<Vector256<double>> oddReal, Span<Vector256<double>> oddImaginary, int stride)
    {
        for (int i = 0; i < evenReal.Length; i++)
        {
            double cosine = _cosines[i * stride], sine = _sines[i * stride];
            Vector256<double> a = oddReal[i], b = oddImaginary[i];
            Vector256<double> real = a * cosine - b * sine, imaginary = a * sine + b * cosine;
            oddReal[i] = evenReal[i] - real;
            oddImaginary[i] = evenImaginary[i] - imaginary;
            evenReal[i] += real;
            evenImaginary[i] += imaginary;
        }
    }
}
