using System.Numerics;
using System.Runtime.Intrinsics;

namespace EbmService.Inference.Diagnostics;

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
