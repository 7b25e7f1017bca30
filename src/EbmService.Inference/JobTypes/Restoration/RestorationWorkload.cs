using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Core.Sampling;
using EbmService.Inference.Buffers;
using EbmService.Inference.Formats;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.Models;
using EbmService.Inference.Randomness;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>
/// Restores one block of inputs: all samples of an input are rows of one state, side by side, and every step moves them all. Steps that look for
/// the nearest rows of the reference come first.
/// </summary>
internal sealed class RestorationWorkload : IWorkload
{
    private readonly RestorationSpec _spec;
    private readonly BlockPlan _block;
    private readonly LiveModel _model;
    private readonly Device _device;
    private readonly InputSchema _input;
    private readonly DamagedRows _damaged;
    private readonly int _length;
    private readonly int _judged;
    private readonly Generator _generator;
    private readonly IRowTerm? _term;
    private readonly IKernel _kernel;
    private readonly ChainState _state;
    private readonly ReferenceSearch? _search;

    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public RestorationWorkload(JobDefinition job, BlockPlan block, LiveModel model, Device device, IJobInputs inputs, ReadOnlyMemory<byte>? checkpoint)
    {
        using DisposeScope scope = NewDisposeScope();
        var spec = (RestorationSpec)job.Spec;
        (_spec, _block, _model, _device, _input) = (spec, block, model, device, model.Descriptor.Input);
        _length = _input.Length();
        _damaged = DamagedRows.Read(inputs, job, spec, _input, block.Offset, block.Count);
        int ofInputs = Math.Clamp(spec.Count - block.Offset, 0, block.Count);
        _judged = spec.Truth is null ? 0 : ofInputs;
        int compared = spec.Start == RestorationStart.Reference ? block.Count : ofInputs;
        _search = spec.Reference is null || compared == 0 ? null : new ReferenceSearch(inputs, job, spec, _input, _damaged, compared);
        _generator = new Generator(BlockSeed.Derive(spec.Seed, block.Index), device);
        try
        {
            LinearOperator linear = LinearOperator.Create(spec.Damage, _input);
            SamplingSpec chain = spec.Chain.ToSampling(block.Count * spec.Samples, spec.Seed);
            _term = Term(linear);
            _kernel = KernelFactory.Create(chain, new GradientPass(model.Energy, term: _term), _input.Variables);
            _state = _kernel.Init(Start(linear));
            if (checkpoint is { } bytes)
            {
                SafetensorsFile file = SafetensorsFile.Read(bytes);
                SamplingCheckpoint.Restore(file, _state, _generator);
                _search?.Restore(file);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private int Step => _state.Step + (_search?.Step ?? 0);

    public StepReport Advance(QuantumBudget budget)
    {
        int limit = Math.Min(_block.Steps, budget.StepLimit);
        Func<bool> isSpent = () => budget.IsSpent;
        while (Step < limit)
        {
            if (_search is { IsDone: false } search)
                Look(search);
            else if (!_kernel.TryStep(_state, _generator, isSpent))
                break;
            if (budget.IsSpent)
                break;
        }
        return new StepReport(Step, Step == _block.Steps) { Metrics = Metrics() };
    }

    /// <summary>Compares a tile; behind the last one the chains that start at the nearest rows are put there.</summary>
    private void Look(ReferenceSearch search)
    {
        search.Advance();
        if (!search.IsDone || _spec.Start != RestorationStart.Reference)
            return;
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = tensor(search.Nearest.ToArray(), _state.X.shape).to(_device);
        _state.X.copy_(_state.RestoreHeld(rows));
        _state.Safe.copy_(_state.X);
    }

    public byte[] Save()
    {
        (Dictionary<string, SafetensorsTensor> tensors, Dictionary<string, string> metadata) = SamplingCheckpoint.Capture(_state, _generator);
        _search?.Save(tensors);
        return SafetensorsFile.Write(tensors, metadata);
    }

    public byte[] Finish()
    {
        float[] samples = Samples();
        PixelStatistics statistics = PixelStatistics.Of(samples, _block.Count, _spec.Samples, _length, _spec.Level);
        int inputs = Math.Clamp(_spec.Count - _block.Offset, 0, _block.Count);
        var tensors = new Dictionary<string, SafetensorsTensor>
        {
            [RestoredBlock.Mean] = Rows(statistics.Mean),
            [RestoredBlock.Deviation] = Rows(statistics.Deviation),
            [RestoredBlock.Low] = Rows(statistics.Low),
            [RestoredBlock.High] = Rows(statistics.High),
            [RestoredBlock.Samples] = SafetensorsTensor.FromFloats(samples.AsSpan(0, inputs * _spec.Samples * _length), [inputs, _spec.Samples, _length]),
            [RestoredBlock.Observed] = SafetensorsTensor.FromFloats(_damaged.Observed, [_block.Count, _damaged.Observed.Length / _block.Count]),
            [RestoredBlock.Known] = KnownTensor(),
            [RestoredBlock.Energies] = Energies(),
        };
        if (_damaged.Truth is { } truth)
            tensors[RestoredBlock.Truth] = Rows(truth);
        if (inputs > 0 && _spec.Damage.HasMissing)
            tensors[RestoredBlock.Fill] = SafetensorsTensor.FromFloats(Fill(inputs), [inputs, _length]);
        if (inputs > 0 && _search is { IsDone: true })
        {
            float[] nearest = Nearest(inputs);
            tensors[RestoredBlock.Nearest] = SafetensorsTensor.FromFloats(
                [.. nearest.Chunk(_spec.Neighbours * _length).SelectMany(rows => rows.Take(_length))], [inputs, _length]);
            if (_spec.Neighbours > 1)
            {
                tensors[RestoredBlock.NearestMean] = SafetensorsTensor.FromFloats(
                    [.. nearest.Chunk(_spec.Neighbours * _length).SelectMany(rows => PixelStatistics.MeanOf(rows, _spec.Neighbours, _length))], [inputs, _length]);
            }
        }
        var metadata = new Dictionary<string, string>
        {
            ["step"] = Step.ToString(CultureInfo.InvariantCulture), ["diverged"] = Diverged().ToString(CultureInfo.InvariantCulture),
        };
        return SafetensorsFile.Write(tensors, metadata);
    }

    public void Dispose()
    {
        _state?.Dispose();
        (_term as IDisposable)?.Dispose();
        _generator.Dispose();
    }

    private SafetensorsTensor Rows(float[] values) => SafetensorsTensor.FromFloats(values, [_block.Count, _length]);

    /// <summary>A row for each chain of what is given for each item.</summary>
    private Tensor PerChain(float[] items, IReadOnlyList<int> shape) =>
        tensor(items, [_block.Count, .. shape.Select(size => (long)size)]).to(_device).repeat_interleave(_spec.Samples, dim: 0);

    private IRowTerm? Term(LinearOperator linear)
    {
        if (_spec.DataWeight is not { } weight)
            return null;
        Tensor observed = PerChain(_damaged.Observed, _spec.Damage.Observed(_input.Shape)).DetachFromDisposeScope();
        if (_spec.Damage.Kind != DamageKind.SaltAndPepper)
        {
            float[]? known = _spec.Damage.HasMissing ? [.. _spec.Damage.Missing(_input.Shape).Select(missing => missing ? 0f : 1f)] : null;
            Tensor? mask = known is null ? null : tensor(known, [.. _input.Shape.Select(size => (long)size)]).to(_device).DetachFromDisposeScope();
            return new GaussianTerm(linear, observed, mask, _spec.Damage.Sigma!.Value, weight);
        }
        if (_input.Variables == VariableKind.Binary)
            return new FlipTerm(observed, _spec.Damage.Share!.Value, weight);
        float[] ends = [.. Enumerable.Range(0, _damaged.Count).SelectMany(item => _damaged.KnownOf(item, _length).ToArray()).Select(known => known ? 0f : 1f)];
        return new SaltAndPepperTerm(observed, PerChain(ends, _input.Shape).DetachFromDisposeScope(), _spec.Damage.Share!.Value, _spec.Damage.Sigma!.Value, weight);
    }

    private ChainStartPoints Start(LinearOperator linear)
    {
        using DisposeScope scope = NewDisposeScope();
        int rows = _block.Count * _spec.Samples;
        Tensor x = ReplayBuffer.FromBase(rows, _input, _generator, _device);
        Tensor observed = PerChain(_damaged.Observed, _spec.Damage.Observed(_input.Shape));
        if (_spec.Start == RestorationStart.Damaged)
            x = AtDamaged(x, linear.BringBack(observed));
        if (!_damaged.Known.Contains(true))
            return new ChainStartPoints(x.MoveToOuterDisposeScope());
        long[] shape = [.. _input.Shape.Select(size => (long)size)];
        Tensor mask = _damaged.HasOwnMasks(_length)
            ? tensor(_damaged.Known, [_damaged.Count, .. shape]).to(_device).repeat_interleave(_spec.Samples, dim: 0) : tensor(_damaged.Known, shape).to(_device);
        return new ChainStartPoints(
            where(mask, observed, x).MoveToOuterDisposeScope(), null, mask.MoveToOuterDisposeScope(), observed.MoveToOuterDisposeScope());
    }

    /// <summary>What was observed, within the range, and of the model's values where those are binary; what is missing stays as drawn.</summary>
    private Tensor AtDamaged(Tensor drawn, Tensor observed)
    {
        Tensor inside = observed.clamp(Devices.Scalars.Kept(_input.Min), Devices.Scalars.Kept(_input.Max));
        if (_input.Variables == VariableKind.Binary)
            inside = inside.ge(Devices.Scalars.Kept((_input.Min + _input.Max) / 2)).to(ScalarType.Float32);
        if (!_spec.Damage.HasMissing)
            return inside;
        Tensor missing = tensor(_spec.Damage.Missing(_input.Shape), [.. _input.Shape.Select(size => (long)size)]).to(_device);
        return where(missing, drawn, inside);
    }

    /// <summary>The chains' last points, those that diverged at their last of finite energy, (rows, length).</summary>
    private float[] Samples()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return where(_state.ByChain(_state.Alive), _state.X, _state.Safe).ToFloats();
    }

    private SafetensorsTensor Energies()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = where(_state.ByChain(_state.Alive), _state.X, _state.Safe);
        return new GradientPass(_model.Energy).Energy(x, null).view(_block.Count, _spec.Samples).ToSafetensors();
    }

    private SafetensorsTensor KnownTensor()
    {
        byte[] known = [.. Enumerable.Range(0, _block.Count).SelectMany(item => _damaged.KnownOf(item, _length).ToArray()).Select(one => one ? (byte)1 : (byte)0)];
        return new SafetensorsTensor(SafetensorsDtype.U8, [_block.Count, _length], known);
    }

    /// <summary>The mean of the reference's rows, or without one of the input's own known numbers, where numbers are missing.</summary>
    private float[] Fill(int inputs)
    {
        bool[] missing = _spec.Damage.Missing(_input.Shape);
        float[] filled = _damaged.Observed[..(inputs * _length)];
        for (int item = 0; item < inputs; item++)
        {
            Span<float> row = filled.AsSpan(item * _length, _length);
            double sum = 0;
            for (int i = 0; i < _length; i++)
                sum += missing[i] ? 0 : row[i];
            float own = (float)(sum / missing.Count(one => !one));
            for (int i = 0; i < _length; i++)
            {
                if (missing[i])
                    row[i] = _search is { IsDone: true } search ? search.MeanAt(i) : own;
            }
        }
        return filled;
    }

    /// <summary>(inputs, neighbours, length), with what is known exactly in its place.</summary>
    private float[] Nearest(int inputs)
    {
        float[] rows = _search!.Nearest[..(inputs * _spec.Neighbours * _length)].ToArray();
        for (int row = 0; row < inputs * _spec.Neighbours; row++)
        {
            int item = row / _spec.Neighbours;
            ReadOnlySpan<bool> known = _damaged.KnownOf(item, _length);
            for (int i = 0; i < _length; i++)
            {
                if (known[i])
                    rows[row * _length + i] = _damaged.Observed[item * _length + i];
            }
        }
        return rows;
    }

    private int Diverged()
    {
        Span<bool> alive = stackalloc bool[_state.Rows];
        _state.CopyAlive(alive);
        return alive.Count(false);
    }

    private Dictionary<string, double> Metrics()
    {
        var energies = new double[_state.Rows];
        _state.CopyReported(_state.Energy, energies);
        double[] finite = [.. energies.Where(double.IsFinite)];
        var metrics = new Dictionary<string, double>
        {
            [RestorationJob.InputsDone] = Step == _block.Steps ? _block.Count : 0,
            [RestorationJob.EnergyMean] = finite.Length == 0 ? 0 : finite.Average(),
            [RestorationJob.Diverged] = Diverged(),
        };
        if (_judged == 0)
            return metrics;
        float[] samples = Samples();
        double sum = 0;
        for (int item = 0; item < _judged; item++)
        {
            float[] mean = PixelStatistics.MeanOf(samples.AsSpan(item * _spec.Samples * _length, _spec.Samples * _length), _spec.Samples, _length);
            sum += ImageErrors.PsnrOf(ImageErrors.MeanSquare(mean, _damaged.Truth.AsSpan(item * _length, _length)), _input.Max - _input.Min);
        }
        (metrics[RestorationJob.Psnr], metrics[RestorationJob.Judged]) = (sum / _judged, _judged);
        return metrics;
    }
}
