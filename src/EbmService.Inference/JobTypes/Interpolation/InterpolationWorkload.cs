using System.Globalization;
using EbmService.Core.Interpolation;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Interpolation;

/// <summary>Some paths. Step 0 takes the energies of the straight paths; each further one is a step of every band.</summary>
internal sealed class InterpolationWorkload : IWorkload
{
    /// <summary>Where barriers are looked for between each two points of a path.</summary>
    internal const int PointsBetween = 9;

    private readonly InterpolationSpec _spec;
    private readonly BlockPlan _block;
    private readonly EnergyTiles _tiles;
    private readonly int _length;
    private readonly ElasticBand[] _bands;
    private readonly double[] _straight;
    private readonly double[] _energies;
    private readonly float[] _gradients;
    private readonly int[]? _labels;
    private double[] _straightPeaks;
    private int _step;

    /// <param name="from">(paths, input).</param>
    /// <param name="to">(paths, input).</param>
    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public InterpolationWorkload(
        InterpolationSpec spec, BlockPlan block, LiveModel model, Device device, float[] from, float[] to, ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block, _tiles) = (spec, block, new EnergyTiles(model, device));
        InputSchema input = model.Descriptor.Input;
        _length = input.Length();
        // Pixels have ends; the range of a vector is only where its base distribution lies.
        (double, double)? range = input.Kind == InputKind.Image ? (input.Min, input.Max) : null;
        _bands = [.. Enumerable.Range(0, block.Count).Select(path => new ElasticBand(
            Straight(from.AsSpan(path * _length, _length), to.AsSpan(path * _length, _length), spec.Points), spec.Points, spec.SpringConstant,
            Math.Sqrt(spec.StepSize), range))];
        (_straight, _energies) = (new double[block.Count * spec.Points], new double[block.Count * spec.Points]);
        _straightPeaks = new double[block.Count];
        _gradients = new float[block.Count * spec.Points * _length];
        _labels = spec.Label is { } label ? [.. Enumerable.Repeat(label, _straight.Length)] : null;
        if (checkpoint is { } bytes)
            Restore(SafetensorsFile.Read(bytes));
    }

    public StepReport Advance(QuantumBudget budget)
    {
        StepReport report = BlockSteps.Advance(_block, budget, ref _step, Step);
        return report with { Metrics = Metrics() };
    }

    private void Step()
    {
        if (_step == 0)
            Measure();
        else
            Move();
    }

    public byte[] Save() => Write(("velocities", [.. _bands.SelectMany(band => band.State)]), ("gradients", Array.ConvertAll(_gradients, value => (double)value)));

    public byte[] Finish() => Write(("residuals", [.. _bands.Select(band => band.Residual)]), ("peaks", _spec.Steps == 0 ? _straightPeaks : Peaks()));

    public void Dispose()
    {
        // Holds no tensors between steps.
    }

    private void Measure()
    {
        TakeGradients();
        _energies.CopyTo(_straight, 0);
        _straightPeaks = Peaks();
    }

    /// <summary>Moves by the gradients at hand and takes those of the new points.</summary>
    private void Move()
    {
        int points = _spec.Points;
        // A band that is still far from its path has its highest point anywhere.
        bool climbs = _spec.Climb && 2 * _step > _spec.Steps;
        for (int path = 0; path < _bands.Length; path++)
            _bands[path].Step(_energies.AsSpan(path * points, points), _gradients.AsSpan(path * points * _length, points * _length), climbs);
        TakeGradients();
    }

    private void TakeGradients()
    {
        float[] rows = Positions();
        if (_spec.Steps == 0)
            _tiles.Energies(rows, _labels, _energies);
        else
            _tiles.Gradients(rows, _labels, _energies, _gradients);
    }

    /// <summary>The highest energy of each path, with <see cref="PointsBetween"/> points on the line between each two of its own: a band's images may straddle a pass.</summary>
    private double[] Peaks()
    {
        int points = _spec.Points, between = (points - 1) * PointsBetween;
        int[]? labels = _spec.Label is { } label ? [.. Enumerable.Repeat(label, between)] : null;
        var peaks = new double[_bands.Length];
        var energies = new double[between];
        for (int path = 0; path < _bands.Length; path++)
        {
            double[] own = _bands[path].Positions;
            var rows = new float[between * _length];
            for (int row = 0; row < between; row++)
            {
                int point = row / PointsBetween;
                double share = (row % PointsBetween + 1.0) / (PointsBetween + 1);
                for (int i = 0; i < _length; i++)
                    rows[row * _length + i] = (float)(own[point * _length + i] + share * (own[(point + 1) * _length + i] - own[point * _length + i]));
            }
            _tiles.Energies(rows, labels, energies);
            peaks[path] = Math.Max(energies.Max(), _energies.AsSpan(path * points, points).ToArray().Max());
        }
        return peaks;
    }

    private float[] Positions() => [.. _bands.SelectMany(band => band.Positions.Select(value => (float)value))];

    private Dictionary<string, double> Metrics()
    {
        if (_step == 0)
            return [];
        var metrics = new Dictionary<string, double>
        {
            [InterpolationJob.BarrierMean] = Barriers(_energies).Average(),
            [InterpolationJob.StraightBarrierMean] = Barriers(_straight).Average(),
        };
        if (_step > 1)
            metrics[InterpolationJob.ResidualForce] = _bands.Max(band => band.Residual);
        return metrics;
    }

    private IEnumerable<double> Barriers(double[] energies) => energies.Chunk(_spec.Points).Select(Barrier);

    /// <summary>The highest energy at a path's points less that of its higher end: while a job runs; its result looks between the points, too.</summary>
    private static double Barrier(double[] energies) => energies.Max() - Math.Max(energies[0], energies[^1]);

    private static double[] Straight(ReadOnlySpan<float> from, ReadOnlySpan<float> to, int points)
    {
        var path = new double[points * from.Length];
        for (int point = 0; point < points; point++)
        {
            double share = (double)point / (points - 1);
            for (int i = 0; i < from.Length; i++)
                path[point * from.Length + i] = point == points - 1 ? to[i] : from[i] + share * (to[i] - (double)from[i]);
        }
        return path;
    }

    private byte[] Write(params (string Name, double[] Values)[] more)
    {
        Dictionary<string, SafetensorsTensor> tensors = more.ToDictionary(one => one.Name, one => SafetensorsTensor.FromDoubles(one.Values, [one.Values.Length]));
        tensors["positions"] = SafetensorsTensor.FromDoubles([.. _bands.SelectMany(band => band.Positions)], [_block.Count, _spec.Points, _length]);
        tensors["energies"] = SafetensorsTensor.FromDoubles(_energies, [_block.Count, _spec.Points]);
        tensors["straightPeaks"] = SafetensorsTensor.FromDoubles(_straightPeaks, [_block.Count]);
        tensors["straight"] = SafetensorsTensor.FromDoubles(_straight, [_block.Count, _spec.Points]);
        return SafetensorsFile.Write(tensors, new Dictionary<string, string> { ["step"] = _step.ToString(CultureInfo.InvariantCulture) });
    }

    private void Restore(SafetensorsFile file)
    {
        if (!int.TryParse(file.Metadata.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out int step) || step < 0 || step > _block.Steps)
            throw new InvalidCheckpointException("the checkpoint has no step of this block");
        _step = step;
        double[] positions = Read("positions", _block.Count * _spec.Points * _length), states = Read("velocities", positions.Length + 4 * _bands.Length);
        double[][] each = [.. positions.Chunk(_spec.Points * _length)], velocities = [.. states.Chunk(_spec.Points * _length + 4)];
        for (int path = 0; path < _bands.Length; path++)
        {
            each[path].CopyTo(_bands[path].Positions, 0);
            _bands[path].State = velocities[path];
        }
        Read("energies", _energies.Length).CopyTo(_energies, 0);
        Read("straight", _straight.Length).CopyTo(_straight, 0);
        _straightPeaks = Read("straightPeaks", _bands.Length);
        Array.ConvertAll(Read("gradients", _gradients.Length), value => (float)value).CopyTo(_gradients, 0);

        double[] Read(string name, int length)
        {
            double[] values = file[name].ToDoubles();
            return values.Length == length ? values : throw new InvalidCheckpointException("the checkpoint is not of this block");
        }
    }
}
