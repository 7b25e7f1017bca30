using EbmService.Core.Training;
using EbmService.Core.Models;
using EbmService.Inference.Data;
using EbmService.Inference.Randomness;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Rows to train on, already in the model's input range. Thread-safe for reading.</summary>
public interface ITrainingData
{
    int Count { get; }

    /// <value>Numbers per row.</value>
    int RowLength { get; }

    /// <value>Whether rows carry class labels.</value>
    bool HasLabels { get; }

    void CopyRow(int index, Span<float> destination);

    /// <returns>The class index, or -1 without labels.</returns>
    int Label(int index);
}

/// <summary>Images as training rows, scaled to the model's range when read.</summary>
public sealed class ImageTrainingData(ImageDataset images, InputSchema input) : ITrainingData
{
    private readonly float[] _table = PixelScale.Table(input.Min, input.Max);

    public int Count => images.Count;

    public int RowLength => images.ImageLength;

    public bool HasLabels => images.Labels is not null;

    public void CopyRow(int index, Span<float> destination) => PixelScale.Apply(images.Image(index), destination, _table);

    public int Label(int index) => images.Labels?[index] ?? -1;
}

/// <summary>Rows of numbers in the model's range.</summary>
/// <param name="rows">One after the other.</param>
/// <param name="length">Numbers in a row.</param>
/// <param name="labels">One for each row, or null.</param>
public sealed class ArrayTrainingData(float[] rows, int length, int[]? labels) : ITrainingData
{
    public int Count => rows.Length / length;

    public int RowLength => length;

    public bool HasLabels => labels is not null;

    public void CopyRow(int index, Span<float> destination) => rows.AsSpan(index * length, length).CopyTo(destination);

    public int Label(int index) => labels?[index] ?? -1;
}

/// <summary>
/// Two interleaved half circles with Gaussian noise, as scikit-learn's make_moons, centred on the origin; coordinates in
/// about [-1.6, 1.6]. Without labels.
/// </summary>
public sealed class TwoMoonsData : ITrainingData
{
    private readonly float[] _rows;

    /// <param name="count">Rows.</param>
    /// <param name="noise">Standard deviation of each coordinate.</param>
    /// <param name="seed">Same seed, same rows.</param>
    public TwoMoonsData(int count, double noise, int seed)
    {
        var random = new Random(seed);
        _rows = new float[2 * count];
        for (int i = 0; i < count; i++)
        {
            double angle = Math.PI * random.NextDouble();
            bool upper = i % 2 == 0;
            double x = upper ? Math.Cos(angle) : 1 - Math.Cos(angle);
            double y = upper ? Math.Sin(angle) : 0.5 - Math.Sin(angle);
            double radius = noise * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            double turn = 2 * Math.PI * random.NextDouble();
            _rows[2 * i] = (float)(x - 0.5 + radius * Math.Cos(turn));
            _rows[2 * i + 1] = (float)(y - 0.25 + radius * Math.Sin(turn));
        }
    }

    public int Count => _rows.Length / 2;

    public int RowLength => 2;

    public bool HasLabels => false;

    public void CopyRow(int index, Span<float> destination) => _rows.AsSpan(2 * index, 2).CopyTo(destination);

    public int Label(int index) => -1;
}

/// <summary>Splits rows into training and held-out ones by the recipe's seed: the same split for trainer and calibration.</summary>
public static class HeldOutSplit
{
    public static IReadOnlyList<int> TrainingRows(TrainingRecipe recipe, int count) =>
        [.. Shuffled(recipe, count).Skip(HeldOut(recipe, count))];

    public static IReadOnlyList<int> HeldOutRows(TrainingRecipe recipe, int count) =>
        [.. Shuffled(recipe, count).Take(HeldOut(recipe, count))];

    /// <returns>How many rows are held out.</returns>
    public static int HeldOut(TrainingRecipe recipe, int count) => Math.Min(recipe.HeldOut, count / 10);

    private static int[] Shuffled(TrainingRecipe recipe, int count)
    {
        int[] rows = [.. Enumerable.Range(0, count)];
        new Random(BlockSeed.OfRandom(recipe.Seed)).Shuffle(rows);
        return rows;
    }
}

/// <summary>Makes data of a binary model of numbers in [0, 1], for example grey levels: each is the probability of a 1.</summary>
internal static class BinaryLevels
{
    private const ulong Seed = 1, LatentSeed = 1UL << 32;

    /// <returns>0 and 1, of the same shape.</returns>
    public static Tensor Draw(Tensor levels, Generator generator) => rand(levels.shape, generator: generator).less(levels).to(ScalarType.Float32);

    /// <summary>The same draw at every call, for rows that are scored and not trained on.</summary>
    public static Tensor DrawFixed(Tensor levels, int first) => DrawFixed(levels, Seed + (ulong)first);

    /// <summary>As <see cref="DrawFixed(Tensor, int)"/>, for means of latent variables beside visible ones that are drawn already.</summary>
    public static Tensor DrawFixedLatents(Tensor means, int first) => DrawFixed(means, LatentSeed + (ulong)first);

    private static Tensor DrawFixed(Tensor levels, ulong seed)
    {
        using var generator = new Generator(seed);
        return Draw(levels, generator);
    }
}
