using EbmService.Core.Robustness;
using EbmService.Inference.Formats;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>What one curve's attacks did to the rows of a block.</summary>
internal sealed class AttackRecord(int rows, int length)
{
    public const int NotReached = -2;
    public const int CleanWrong = -1;

    /// <value>
    /// By row: the index of the smallest radius that fooled the classifier, the number of radii where none did,
    /// <see cref="CleanWrong"/> or <see cref="NotReached"/>.
    /// </value>
    public long[] FooledAt { get; private set; } = [.. Enumerable.Repeat((long)NotReached, rows)];

    /// <value>The class of the row as it is; -1 where it is not known yet.</value>
    public long[] Clean { get; private set; } = [.. Enumerable.Repeat(-1L, rows)];

    /// <value>The class of <see cref="Points"/>.</value>
    public long[] Attacked { get; private set; } = [.. Enumerable.Repeat(-1L, rows)];

    /// <value>The perturbation's norm in the input's units.</value>
    public double[] Distances { get; private set; } = new double[rows];

    /// <value>What fooled the classifier, (rows, length); else the point of the largest loss at the largest radius, or the row where it was never right.</value>
    public float[] Points { get; private set; } = new float[rows * length];

    public Span<float> PointOf(int row) => Points.AsSpan(row * length, length);

    public void Save(AttackCurve curve, Dictionary<string, SafetensorsTensor> tensors)
    {
        tensors[Name(curve, "fooledAt")] = SafetensorsTensor.FromInt64(FooledAt, [rows]);
        tensors[Name(curve, "clean")] = SafetensorsTensor.FromInt64(Clean, [rows]);
        tensors[Name(curve, "attacked")] = SafetensorsTensor.FromInt64(Attacked, [rows]);
        tensors[Name(curve, "distances")] = SafetensorsTensor.FromDoubles(Distances, [rows]);
        tensors[Name(curve, "points")] = SafetensorsTensor.FromFloats(Points, [rows, length]);
    }

    /// <exception cref="InvalidCheckpointException">It is of another block.</exception>
    public static AttackRecord Read(AttackCurve curve, SafetensorsFile file, int rows, int length)
    {
        var record = new AttackRecord(rows, length)
        {
            FooledAt = file[Name(curve, "fooledAt")].ToInt64(),
            Clean = file[Name(curve, "clean")].ToInt64(),
            Attacked = file[Name(curve, "attacked")].ToInt64(),
            Distances = file[Name(curve, "distances")].ToDoubles(),
            Points = file[Name(curve, "points")].ToFloats(),
        };
        if (record.FooledAt.Length != rows || record.Points.Length != rows * length)
            throw new InvalidCheckpointException("the checkpoint is not of this block");
        return record;
    }

    private static string Name(AttackCurve curve, string part) => $"{curve}.{part}";
}
