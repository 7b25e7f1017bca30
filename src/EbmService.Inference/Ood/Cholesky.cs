namespace EbmService.Inference.Ood;

/// <summary>Small covariance matrices in float64.</summary>
internal static class Cholesky
{
    /// <summary>Of a positive definite matrix S, the lower triangular L with L'L the inverse of S, and the log-determinant of S.</summary>
    /// <param name="matrix">(size, size); a share of the mean variance is added to its diagonal, so that it is positive definite.</param>
    public static (float[] Factor, double LogDeterminant) Whitening(double[] matrix, int size)
    {
        double[] lower = Decompose(matrix, size);
        var inverse = new double[size * size];
        double log = 0;
        for (int column = 0; column < size; column++)
        {
            log += 2 * Math.Log(lower[column * size + column]);
            inverse[column * size + column] = 1 / lower[column * size + column];
            for (int row = column + 1; row < size; row++)
            {
                double sum = 0;
                for (int k = column; k < row; k++)
                    sum += lower[row * size + k] * inverse[k * size + column];
                inverse[row * size + column] = -sum / lower[row * size + row];
            }
        }
        return (Array.ConvertAll(inverse, value => (float)value), log);
    }

    private static double[] Decompose(double[] matrix, int size)
    {
        double trace = 0;
        for (int i = 0; i < size; i++)
            trace += matrix[i * size + i];
        double ridge = Math.Max(1e-6 * trace / size, 1e-12);
        var lower = new double[size * size];
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column <= row; column++)
            {
                double sum = matrix[row * size + column] + (row == column ? ridge : 0);
                for (int k = 0; k < column; k++)
                    sum -= lower[row * size + k] * lower[column * size + k];
                // Rounding may leave nothing of a direction in which there is no spread.
                lower[row * size + column] = row == column ? Math.Sqrt(Math.Max(sum, ridge)) : sum / lower[column * size + column];
            }
        }
        return lower;
    }
}
