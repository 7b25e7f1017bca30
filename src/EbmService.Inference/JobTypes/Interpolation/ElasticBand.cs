namespace EbmService.Inference.JobTypes.Interpolation;

/// <summary>
/// One path as a nudged elastic band: the improved tangent of Henkelman and Jonsson (2000), the climbing image of Henkelman, Uberuaga and Jonsson
/// (2000), and the steps of FIRE (Bitzek et al. 2006), in float64. The ends stay where they are. Steps are bounded by half the points' first distance.
/// </summary>
/// <param name="positions">(points, length), the straight path at the beginning; changed in place.</param>
/// <param name="springConstant">Of all springs.</param>
/// <param name="firstStep">FIRE's first time step, a third of its largest.</param>
/// <param name="range">Where points may be; null for anywhere.</param>
internal sealed class ElasticBand(double[] positions, int points, double springConstant, double firstStep, (double Min, double Max)? range)
{
    // Bitzek et al. (2006), table I.
    private const int Delay = 5;
    private const double Grow = 1.1, Shrink = 0.5, FirstMixing = 0.1, LessMixing = 0.99;
    private const double LargestStep = 3;

    private readonly int _length = positions.Length / points;
    private readonly double[] _velocities = new double[positions.Length];
    private readonly double[] _forces = new double[positions.Length];
    private readonly double _longestMove = 0.5 * Distance(positions.AsSpan(0, positions.Length / points), positions.AsSpan(positions.Length / points * (points - 1))) / (points - 1);

    /// <value>(points, length).</value>
    public double[] Positions => positions;

    /// <value>The largest norm of a gradient across the path at the latest step.</value>
    public double Residual { get; private set; }

    /// <value>What a checkpoint holds beside <see cref="Positions"/>: velocities, then time step, mixing, steps downhill and residual.</value>
    public double[] State
    {
        get => [.. _velocities, _step, _mixing, _downhill, Residual];
        set
        {
            value.AsSpan(0, _velocities.Length).CopyTo(_velocities);
            (_step, _mixing, _downhill, Residual) = (value[^4], value[^3], (int)value[^2], value[^1]);
        }
    }

    private readonly double _largestStep = LargestStep * firstStep;
    private double _step = firstStep;
    private double _mixing = FirstMixing;
    private int _downhill;

    /// <summary>One step of all points but the ends.</summary>
    /// <param name="energies">(points) at <see cref="Positions"/>.</param>
    /// <param name="gradients">(points, length) at <see cref="Positions"/>.</param>
    /// <param name="climbs">Whether the highest point goes up to the saddle, where it is above both ends: there is one between them then.</param>
    public void Step(ReadOnlySpan<double> energies, ReadOnlySpan<float> gradients, bool climbs)
    {
        ComputeForces(energies, gradients, climbs);
        double power = Dot(_forces, _velocities);
        if (power > 0)
        {
            double scale = _mixing * Math.Sqrt(Dot(_velocities, _velocities) / Math.Max(Dot(_forces, _forces), double.Epsilon));
            for (int i = 0; i < _velocities.Length; i++)
                _velocities[i] = (1 - _mixing) * _velocities[i] + scale * _forces[i];
            if (++_downhill > Delay)
                (_step, _mixing) = (Math.Min(_step * Grow, _largestStep), _mixing * LessMixing);
        }
        else
        {
            Array.Clear(_velocities);
            (_step, _mixing, _downhill) = (_step * (_downhill > 0 ? Shrink : 1), FirstMixing, 0);
        }
        for (int i = 0; i < _velocities.Length; i++)
            _velocities[i] += _step * _forces[i];
        Move();
    }

    private void ComputeForces(ReadOnlySpan<double> energies, ReadOnlySpan<float> gradients, bool climbs)
    {
        int highest = 0;
        for (int point = 1; point < points - 1; point++)
            highest = highest == 0 || energies[point] > energies[highest] ? point : highest;
        climbs &= energies[highest] > Math.Max(energies[0], energies[^1]);
        var tangent = new double[_length];
        Residual = 0;
        for (int point = 1; point < points - 1; point++)
        {
            Span<double> force = _forces.AsSpan(point * _length, _length);
            ReadOnlySpan<float> gradient = gradients.Slice(point * _length, _length);
            (double before, double after) = Tangent(energies, point, tangent);
            double along = 0, across = 0;
            for (int i = 0; i < _length; i++)
                along += gradient[i] * tangent[i];
            // Along the path springs act in place of the gradient; the climbing point has none and goes up.
            double pull = climbs && point == highest ? along : springConstant * (after - before);
            for (int i = 0; i < _length; i++)
            {
                double sideways = gradient[i] - along * tangent[i];
                across += sideways * sideways;
                force[i] = -sideways + pull * tangent[i];
            }
            Residual = Math.Max(Residual, Math.Sqrt(across));
        }
    }

    /// <summary>The unit tangent towards the neighbour of higher energy, at extremes a mean weighted by energy differences (equations 8 to 11).</summary>
    /// <returns>The distances to the neighbours.</returns>
    private (double Before, double After) Tangent(ReadOnlySpan<double> energies, int point, Span<double> tangent)
    {
        ReadOnlySpan<double> previous = Point(point - 1), here = Point(point), next = Point(point + 1);
        double rise = energies[point + 1] - energies[point], fall = energies[point - 1] - energies[point];
        double forwards = 0, backwards = 0;
        if (rise > 0 && fall <= 0)
            forwards = 1;
        else if (rise <= 0 && fall > 0)
            backwards = 1;
        else
        {
            (double larger, double smaller) = (Math.Max(Math.Abs(rise), Math.Abs(fall)), Math.Min(Math.Abs(rise), Math.Abs(fall)));
            (forwards, backwards) = energies[point + 1] > energies[point - 1] ? (larger, smaller) : (smaller, larger);
            if (larger == 0)
                (forwards, backwards) = (1, 1);
        }
        double norm = 0;
        for (int i = 0; i < _length; i++)
        {
            tangent[i] = forwards * (next[i] - here[i]) + backwards * (here[i] - previous[i]);
            norm += tangent[i] * tangent[i];
        }
        norm = Math.Sqrt(norm);
        for (int i = 0; i < _length && norm > 0; i++)
            tangent[i] /= norm;
        return (Distance(previous, here), Distance(here, next));
    }

    private void Move()
    {
        for (int point = 1; point < points - 1; point++)
        {
            Span<double> here = positions.AsSpan(point * _length, _length);
            ReadOnlySpan<double> velocity = _velocities.AsSpan(point * _length, _length);
            double move = _step * Math.Sqrt(Dot(velocity, velocity)), scale = _step * (move > _longestMove ? _longestMove / move : 1);
            for (int i = 0; i < _length; i++)
            {
                here[i] += scale * velocity[i];
                if (range is { } ends)
                    here[i] = Math.Clamp(here[i], ends.Min, ends.Max);
            }
        }
    }

    private ReadOnlySpan<double> Point(int index) => positions.AsSpan(index * _length, _length);

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    internal static double Distance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        return Math.Sqrt(sum);
    }
}
