using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Inference.Formats;
using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>
/// Of each input the rows of a reference set that would look most like what was observed, by the squared distance over all that was, the nearest first; and the mean of all rows. A tile of the
/// set is in memory at a time.
/// </summary>
internal sealed class ReferenceSearch(IJobInputs inputs, JobDefinition job, RestorationSpec spec, InputSchema input, DamagedRows damaged, int count)
{
    private const string Distances = "reference.distances", Rows = "reference.rows", Sums = "reference.sums";

    private readonly int _length = input.Length();
    private readonly int _kept = spec.Neighbours;
    private double[] _distances = [.. Enumerable.Repeat(double.PositiveInfinity, count * spec.Neighbours)];
    private float[] _rows = new float[count * spec.Neighbours * input.Length()];
    private double[] _sums = new double[input.Length()];

    /// <value>Tiles done.</value>
    public int Step { get; private set; }

    public bool IsDone => Step == spec.ReferenceSteps;

    /// <value>(count, neighbours, length), of the tiles done.</value>
    public ReadOnlySpan<float> Nearest => _rows;

    public float MeanAt(int index) => (float)(_sums[index] / spec.Reference!.Count);

    public void Advance()
    {
        int first = Step * RestorationJob.ReferenceTile, rows = Math.Min(RestorationJob.ReferenceTile, spec.Reference!.Count - first);
        float[] values = RowsReader.Read(inputs, job, spec.Reference, input, first, rows);
        for (int i = 0; i < values.Length; i++)
            _sums[i % _length] += values[i];
        Compare(values, rows);
        Step++;
    }

    private void Compare(float[] values, int rows)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor seen = LinearOperator.Create(spec.Damage, input).Observe(tensor(values, [rows, .. input.Shape.Select(size => (long)size)])).flatten(1);
        Tensor observed = tensor(damaged.Observed, damaged.Count, damaged.Observed.Length / damaged.Count).narrow(0, 0, count);
        if (spec.Damage.HasMissing)
        {
            Tensor weights = tensor([.. spec.Damage.Missing(input.Shape).Select(missing => missing ? 0f : 1f)]);
            (seen, observed) = (seen.mul(weights), observed.mul(weights));
        }
        // |r|^2 - 2 r y: what is the same for all rows is left out.
        Tensor squares = seen.pow(Kept(2)).sum([1], type: ScalarType.Float64);
        float[] distances = squares.sub(NativePrimitives.Product(observed, seen.t()).mul_(Kept(2))).ToFloats();
        for (int i = 0; i < count; i++)
        {
            for (int row = 0; row < rows; row++)
            {
                if (distances[i * rows + row] < _distances[((i + 1) * _kept) - 1])
                    Keep(i * _kept, distances[i * rows + row], values.AsSpan(row * _length, _length));
            }
        }
    }

    /// <summary>Puts a row in its place among those that are kept of an input; of equal ones the earlier stays in front.</summary>
    private void Keep(int first, double distance, ReadOnlySpan<float> row)
    {
        int place = first + _kept - 1;
        for (; place > first && distance < _distances[place - 1]; place--)
        {
            _distances[place] = _distances[place - 1];
            _rows.AsSpan((place - 1) * _length, _length).CopyTo(_rows.AsSpan(place * _length));
        }
        _distances[place] = distance;
        row.CopyTo(_rows.AsSpan(place * _length));
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors)
    {
        tensors[Distances] = SafetensorsTensor.FromDoubles(_distances, [count, _kept]);
        tensors[Rows] = SafetensorsTensor.FromFloats(_rows, [count, _kept, _length]);
        tensors[Sums] = SafetensorsTensor.FromDoubles([.. _sums, Step], [_length + 1]);
    }

    /// <exception cref="InvalidCheckpointException">The checkpoint is of another block.</exception>
    public void Restore(SafetensorsFile file)
    {
        double[] sums = file[Sums].ToDoubles();
        (_distances, _rows) = (file[Distances].ToDoubles(), file[Rows].ToFloats());
        if (_distances.Length != count * _kept || _rows.Length != count * _kept * _length || sums.Length != _length + 1)
            throw new InvalidCheckpointException("the checkpoint is not of this block");
        (_sums, Step) = (sums[..^1], (int)sums[^1]);
    }
}
