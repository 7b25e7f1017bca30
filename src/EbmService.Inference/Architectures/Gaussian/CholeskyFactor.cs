namespace EbmService.Inference.Architectures.Gaussian;

/// <summary>The test for positive definiteness: a symmetric matrix has a Cholesky factor or is not positive definite.</summary>
internal static class CholeskyFactor
{
    internal static bool Exists(IReadOnlyList<IReadOnlyList<double>> matrix)
    {
        int size = matrix.Count;
        var factor = new double[size, size];
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column <= row; column++)
            {
                if (matrix[row][column] != matrix[column][row])
                    return false;
                double rest = matrix[row][column];
                for (int k = 0; k < column; k++)
                    rest -= factor[row, k] * factor[column, k];
                if (row == column && !(rest > 0 && double.IsFinite(rest)))
                    return false;
                factor[row, column] = row == column ? Math.Sqrt(rest) : rest / factor[column, column];
            }
        }
        return true;
    }
}
