namespace EbmService.Inference.Tests.Samplers;

/// <summary>Sample moments with their standard errors, and what they should be by quadrature.</summary>
internal static class Moments
{
    /// <summary>Asserts a mean over independent values to be within four of its standard errors, and a stated bias, of a number.</summary>
    public static void AssertMean(double expected, IReadOnlyCollection<double> values, double bias = 0)
    {
        double mean = values.Average();
        double error = Math.Sqrt(values.Average(value => (value - mean) * (value - mean)) / values.Count);
        Assert.Equal(expected, mean, 4 * error + bias);
    }

    /// <summary>The mean of f under the density proportional to exp(-energy) between two points, by the midpoint rule.</summary>
    public static double Quadrature(Func<double, double> energy, Func<double, double> f, double from, double to)
    {
        const int Cells = 20_000;
        double top = 0, bottom = 0;
        for (int i = 0; i < Cells; i++)
        {
            double x = from + (to - from) * (i + 0.5) / Cells;
            double weight = Math.Exp(-energy(x));
            top += f(x) * weight;
            bottom += weight;
        }
        return top / bottom;
    }

    /// <summary>Independent draws from that density, by the inverse of its distribution function.</summary>
    public static float[] Draw(Func<double, double> energy, double from, double to, int count, int seed)
    {
        const int Cells = 20_000;
        double width = (to - from) / Cells;
        var cumulative = new double[Cells + 1];
        for (int i = 0; i < Cells; i++)
            cumulative[i + 1] = cumulative[i] + Math.Exp(-energy(from + (i + 0.5) * width));
        var random = new Random(seed);
        var draws = new float[count];
        for (int n = 0; n < count; n++)
        {
            double target = random.NextDouble() * cumulative[Cells];
            int cell = Math.Max(0, ~Array.BinarySearch(cumulative, target) - 1);
            draws[n] = (float)(from + (cell + random.NextDouble()) * width);
        }
        return draws;
    }

    public static double[] Column(float[] rows, int width, int column) =>
        [.. Enumerable.Range(0, rows.Length / width).Select(row => (double)rows[row * width + column])];
}
