namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>How far a restored input is from the truth.</summary>
/// <param name="Mse">Mean squared difference over all numbers.</param>
/// <param name="MseUnknown">The same over the numbers that were not known exactly.</param>
/// <param name="Psnr">dB, over all numbers.</param>
/// <param name="Ssim">Of pictures.</param>
internal readonly record struct ImageErrors(double Mse, double MseUnknown, double Psnr, double? Ssim)
{
    /// <summary>dB of a picture without any error, which have no finite PSNR.</summary>
    public const double MaxPsnr = 100;

    private const int Window = 11;
    private const double WindowDeviation = 1.5;

    public static double MeanSquare(ReadOnlySpan<float> x, ReadOnlySpan<float> truth)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += ((double)x[i] - truth[i]) * ((double)x[i] - truth[i]);
        return sum / x.Length;
    }

    /// <summary>Over the numbers that are not known; 0 where all are.</summary>
    public static double MeanSquareOfUnknown(ReadOnlySpan<float> x, ReadOnlySpan<float> truth, ReadOnlySpan<byte> known)
    {
        double sum = 0;
        int count = 0;
        for (int i = 0; i < x.Length; i++)
        {
            if (known[i] != 0)
                continue;
            sum += ((double)x[i] - truth[i]) * ((double)x[i] - truth[i]);
            count++;
        }
        return count == 0 ? 0 : sum / count;
    }

    /// <summary>10 log10(range^2 / MSE), at most <see cref="MaxPsnr"/>.</summary>
    public static double PsnrOf(double meanSquare, double range) =>
        meanSquare <= 0 ? MaxPsnr : Math.Min(MaxPsnr, 10 * Math.Log10(range * range / meanSquare));

    /// <summary>
    /// Structural similarity (Wang et al. 2004): K1 = 0.01, K2 = 0.03, a Gaussian window of 11 x 11 with deviation 1.5, the mean over all its places inside the picture
    /// and over channels. In pictures smaller than that the window is the largest odd one that fits.
    /// </summary>
    /// <param name="x">(channels, height, width).</param>
    public static double SsimOf(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int channels, int height, int width, double range)
    {
        int size = Math.Min(Window, Math.Min(height, width));
        size -= 1 - size % 2;
        double[] weights = Weights(size);
        double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range, sum = 0;
        int places = 0;
        for (int channel = 0; channel < channels; channel++)
        {
            for (int top = 0; top + size <= height; top++)
            {
                for (int left = 0; left + size <= width; left++)
                {
                    (double mx, double my, double xx, double yy, double xy) = Moments(x, y, (channel * height + top) * width + left, width, size, weights);
                    sum += (2 * mx * my + c1) * (2 * (xy - mx * my) + c2) / ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2));
                    places++;
                }
            }
        }
        return sum / places;
    }

    private static (double, double, double, double, double) Moments(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int start, int width, int size, double[] weights)
    {
        double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column < size; column++)
            {
                double weight = weights[row] * weights[column], a = x[start + row * width + column], b = y[start + row * width + column];
                mx += weight * a;
                my += weight * b;
                xx += weight * a * a;
                yy += weight * b * b;
                xy += weight * a * b;
            }
        }
        return (mx, my, xx, yy, xy);
    }

    private static double[] Weights(int size)
    {
        double[] weights = [.. Enumerable.Range(0, size).Select(i => Math.Exp(-Math.Pow(i - size / 2, 2) / (2 * WindowDeviation * WindowDeviation)))];
        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
