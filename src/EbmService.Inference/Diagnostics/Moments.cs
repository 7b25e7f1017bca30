namespace EbmService.Inference.Diagnostics;

/// <summary>Means of the columns of a row-major (rows, columns) array, and moments of plain series.</summary>
internal static class Moments
{
    public static double[] Means(ReadOnlySpan<double> values, int columns)
    {
        var means = new double[columns];
        int rows = values.Length / columns;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<double> line = values.Slice(row * columns, columns);
            for (int column = 0; column < line.Length; column++)
                means[column] += line[column];
        }
        for (int column = 0; column < columns; column++)
            means[column] /= rows;
        return means;
    }

    /// <summary>Writes each value less its column's mean.</summary>
    public static void Centre(ReadOnlySpan<double> values, ReadOnlySpan<double> means, Span<double> centred)
    {
        for (int start = 0; start < values.Length; start += means.Length)
        {
            ReadOnlySpan<double> line = values.Slice(start, means.Length);
            Span<double> target = centred.Slice(start, means.Length);
            for (int column = 0; column < line.Length; column++)
                target[column] = line[column] - means[column];
        }
    }

    /// <summary>The mean, by differences from the first value: a large common part costs no digits.</summary>
    public static double Mean(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
            sum += value - values[0];
        return values[0] + sum / values.Length;
    }

    /// <summary>The variance, with n - 1.</summary>
    public static double Variance(ReadOnlySpan<double> values)
    {
        double mean = Mean(values), squares = 0;
        foreach (double value in values)
            squares += (value - mean) * (value - mean);
        return squares / (values.Length - 1);
    }
}
