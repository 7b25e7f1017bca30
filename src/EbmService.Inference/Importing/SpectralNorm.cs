using EbmService.Inference.Formats;

namespace EbmService.Inference.Importing;

/// <summary>
/// Folds a spectral norm (Miyato et al. 2018) into the weight: weight / sigma, sigma = u' W v, the largest singular value of the weight
/// as a matrix W of
/// (outputs, all else). Sums are float64.
/// </summary>
internal static class SpectralNorm
{
    /// <summary>Added to sigma by igebm-pytorch where the norm is bounded.</summary>
    private const double BoundedOffset = 1e-6;

    /// <param name="weight">(outputs, ...), F32.</param>
    /// <param name="u">(outputs): the left singular vector as the checkpoint has it.</param>
    /// <param name="v">
    /// The right one, as PyTorch's own spectral_norm saves it and uses it in evaluation. Null for igebm-pytorch, which saves none: v
    /// and u are then
    /// made of u by a step of power iteration, as its next pass would.
    /// </param>
    /// <param name="bounded">Whether weights with sigma below 1 stay as they are: weight / (sigma + 1e-6) min(sigma, 1).</param>
    public static SafetensorsTensor Fold(SafetensorsTensor weight, float[] u, float[]? v, bool bounded)
    {
        float[] matrix = weight.ToFloats();
        double[] left = Array.ConvertAll(u, each => (double)each);
        double[] right = v is null ? Normalised(Transposed(matrix, left)) : Array.ConvertAll(v, each => (double)each);
        if (right.Length * left.Length != matrix.Length)
            throw new InvalidCheckpointException(
                $"a spectral norm's vectors of {u.Length} and {right.Length} don't fit {matrix.Length} weights");
        double[] product = Product(matrix, right);
        if (v is null)
            left = Normalised([.. product]);
        double sigma = left.Zip(product, (a, b) => a * b).Sum();
        double factor = bounded ? Math.Min(sigma, 1) / (sigma + BoundedOffset) : 1 / sigma;
        return SafetensorsTensor.FromFloats(Array.ConvertAll(matrix, each => (float)(each * factor)), weight.Shape);
    }

    private static double[] Product(float[] matrix, double[] vector)
    {
        var product = new double[matrix.Length / vector.Length];
        for (int i = 0; i < matrix.Length; i++)
            product[i / vector.Length] += matrix[i] * vector[i % vector.Length];
        return product;
    }

    private static double[] Transposed(float[] matrix, double[] vector)
    {
        if (vector.Length == 0 || matrix.Length % vector.Length != 0)
            throw new InvalidCheckpointException($"a spectral norm's vector of {vector.Length} doesn't fit {matrix.Length} weights");
        var product = new double[matrix.Length / vector.Length];
        for (int i = 0; i < matrix.Length; i++)
            product[i % product.Length] += matrix[i] * vector[i / product.Length];
        return product;
    }

    private static double[] Normalised(double[] vector)
    {
        double norm = Math.Sqrt(vector.Sum(each => each * each));
        return Array.ConvertAll(vector, each => each / norm);
    }
}
