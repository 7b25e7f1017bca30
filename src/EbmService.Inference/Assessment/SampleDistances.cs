using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Assessment;

/// <summary>L2 distances between rows, in blocks so that memory stays bounded.</summary>
internal static class SampleDistances
{
    private const int Block = 4096;

    /// <summary>Mean L2 distance over all ordered pairs of different rows.</summary>
    public static double MeanWithin(TensorPayload rows) => rows.Rows < 2
        ? 0
        : Sum(rows, rows) / ((double)rows.Rows * (rows.Rows - 1));

    /// <summary>Mean L2 distance over all pairs of a row of each.</summary>
    public static double MeanBetween(TensorPayload a, TensorPayload b) => Sum(a, b) / ((double)a.Rows * b.Rows);

    /// <summary>The energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'|.</summary>
    public static double EnergyDistance(TensorPayload a, TensorPayload b) =>
        2 * MeanBetween(a, b) - MeanWithin(a) - MeanWithin(b);

    /// <summary>For each row the distance to the nearest of the others.</summary>
    public static float[] Nearest(TensorPayload rows, TensorPayload others)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Matrix(rows);
        Tensor nearest = full(rows.Rows, Kept(float.PositiveInfinity));
        foreach (TensorPayload block in Blocks(others))
        {
            using DisposeScope blockScope = NewDisposeScope();
            nearest = minimum(nearest, cdist(x, Matrix(block)).amin([1])).MoveToOuterDisposeScope();
        }
        return nearest.ToFloats();
    }

    private static double Sum(TensorPayload a, TensorPayload b)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Matrix(a);
        double sum = 0;
        foreach (TensorPayload block in Blocks(b))
        {
            using DisposeScope blockScope = NewDisposeScope();
            sum += cdist(x, Matrix(block)).sum(ScalarType.Float64).ToDouble();
        }
        return sum;
    }

    private static Tensor Matrix(TensorPayload rows) => tensor(rows.Values, [rows.Rows, rows.RowLength]);

    private static IEnumerable<TensorPayload> Blocks(TensorPayload rows)
    {
        for (int first = 0; first < rows.Rows; first += Block)
            yield return rows.Slice(first, Math.Min(Block, rows.Rows - first));
    }
}
