using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>The points within a radius of a row, and within the model's range; in the input's own units. Each number's arithmetic depends on its row alone.</summary>
internal sealed class AttackBall(AttackNorm norm, InputSchema input)
{
    private readonly float _min = (float)input.Min, _max = (float)input.Max;

    /// <summary>A point drawn uniformly from the ball, cut to the range.</summary>
    public void Start(ReadOnlySpan<float> row, double radius, Generator generator, Span<float> point)
    {
        using DisposeScope scope = NewDisposeScope();
        if (norm == AttackNorm.Linf)
        {
            float[] offsets = empty([row.Length]).uniform_(-1, 1, generator).ToFloats();
            for (int i = 0; i < row.Length; i++)
                point[i] = row[i] + (float)(radius * offsets[i]);
        }
        else
        {
            // A direction, and a length whose power of the dimension is uniform.
            float[] direction = empty([row.Length]).normal_(0, 1, generator).ToFloats();
            double length = radius * Math.Pow(rand(1, ScalarType.Float64, generator: generator).ToDouble(), 1.0 / row.Length) / Math.Max(Length(direction), double.Epsilon);
            for (int i = 0; i < row.Length; i++)
                point[i] = row[i] + (float)(length * direction[i]);
        }
        Project(row, radius, point);
    }

    /// <summary>Moves a point the length of a step up the gradient, by its signs or along it, and back into the ball and the range.</summary>
    public void Step(ReadOnlySpan<float> row, double radius, double step, ReadOnlySpan<float> gradient, Span<float> point)
    {
        if (norm == AttackNorm.Linf)
        {
            float size = (float)step;
            for (int i = 0; i < point.Length; i++)
                point[i] += gradient[i] > 0 ? size : gradient[i] < 0 ? -size : 0;
        }
        else if (Length(gradient) is > 0 and < double.PositiveInfinity and var length)
        {
            double factor = step / length;
            for (int i = 0; i < point.Length; i++)
                point[i] += (float)(factor * gradient[i]);
        }
        Project(row, radius, point);
    }

    /// <summary>How far the point is from the row.</summary>
    public double Distance(ReadOnlySpan<float> row, ReadOnlySpan<float> point)
    {
        double largest = 0, squares = 0;
        for (int i = 0; i < row.Length; i++)
        {
            double difference = Math.Abs((double)point[i] - row[i]);
            largest = Math.Max(largest, difference);
            squares += difference * difference;
        }
        return norm == AttackNorm.Linf ? largest : Math.Sqrt(squares);
    }

    /// <summary>To the ball first; the row is in the range, so that cutting to this moves a point no further from it.</summary>
    private void Project(ReadOnlySpan<float> row, double radius, Span<float> point)
    {
        if (norm == AttackNorm.Linf)
        {
            float most = (float)radius;
            for (int i = 0; i < point.Length; i++)
                point[i] = Math.Clamp(Math.Clamp(point[i], row[i] - most, row[i] + most), _min, _max);
            return;
        }
        double distance = Distance(row, point), factor = distance > radius ? radius / distance : 1;
        for (int i = 0; i < point.Length; i++)
            point[i] = Math.Clamp(row[i] + (float)(factor * (point[i] - row[i])), _min, _max);
    }

    private static double Length(ReadOnlySpan<float> values)
    {
        double squares = 0;
        foreach (float value in values)
            squares += (double)value * value;
        return Math.Sqrt(squares);
    }
}
