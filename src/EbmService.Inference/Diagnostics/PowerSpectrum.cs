using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EbmService.Inference.Diagnostics;

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
        ReadOnlySpan<double> values, int columns, int column, FourierTransform transform, Vector256<double>[] real, Vector256<double>[] imaginary)
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
            power[i] += 0.5 * (real[i] * real[i] + imaginary[i] * imaginary[i] + real[mirror] * real[mirror] + imaginary[mirror] * imaginary[mirror]);
        }
    }
}
