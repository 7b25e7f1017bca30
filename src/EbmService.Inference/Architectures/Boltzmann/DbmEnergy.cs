using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// The energy of a deep Boltzmann machine (<see cref="DbmSpec"/>) over rows of all its units, (n, visible + hidden). Products are float32, sums over units float64. Layers
/// of one parity are independent given those of the other: two blocks, h1, h3, ... and v, h2, ..., in this order. A sweep ends with visible units drawn given all else.
/// </summary>
public sealed class DbmEnergy : EnergyModel, IAnnealedModel, ILatentModel, IFilterBank
{
    /// <summary>Halves of a sweep are coordinate ascent, so each makes the bound no worse.</summary>
    private const int MeanFieldSweeps = 20;

    /// <summary>Of each layer, visible first; the visible one has no weights of its own.</summary>
    private readonly Tensor[] _biases, _weights;

    private readonly long[] _offsets;
    private Tensor[]? _transposed;

    /// <param name="parameters">Exactly those of the architecture; owned by this model from now on.</param>
    public DbmEnergy(IReadOnlyDictionary<string, Tensor> parameters)
        : base(parameters)
    {
        int layers = 1 + parameters.Keys.Count(name => name.EndsWith(".weight", StringComparison.Ordinal));
        _biases = [parameters["visible.bias"], .. Enumerable.Range(1, layers - 1).Select(layer => parameters[BiasOf(layer)])];
        _weights = [.. Enumerable.Range(1, layers - 1).Select(layer => parameters[WeightOf(layer)])];
        _offsets = new long[layers + 1];
        for (int layer = 0; layer < layers; layer++)
            _offsets[layer + 1] = _offsets[layer] + _biases[layer].shape[0];
        RefreshCopies();
    }

    public int Blocks => 2;

    public int VisibleLength => (int)_offsets[1];

    public Tensor Filters => _weights[0];

    /// <value>Layers with the visible one.</value>
    internal int Layers => _biases.Length;

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] units = Split(x);
        return EnergyOf(units, Ascent(units)).MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] units = Split(x);
        Tensor[] ascent = Ascent(units);
        // A unit's pull has what comes from below already.
        Tensor[] pulls = [.. ascent.Select((below, layer) => layer + 1 == Layers ? below : below.add(FromAbove(units, layer), Kept(1)))];
        return (EnergyOf(units, ascent).MoveToOuterDisposeScope(), cat(pulls, 1).neg_().view(x.shape).MoveToOuterDisposeScope());
    }

    public void Resample(Tensor x, int block, double temperature, Tensor? labels, Tensor? held, Generator generator)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] units = Split(x);
        for (int layer = 1 - block; layer < Layers; layer += 2)
        {
            Tensor drawn = Bernoulli(Drive(units, layer).div_(Kept(temperature)), generator);
            Tensor part = Part(x.flatten(1), 1, layer);
            part.copy_(held is null ? drawn : where(Part(held.flatten(), 0, layer), part, drawn));
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Begins with a pass upwards, weights doubled where a layer above will pull too (Salakhutdinov and Hinton 2009); a sweep takes h1, h3, ... and then h2, h4, ...
    /// </remarks>
    public Tensor Infer(Tensor visible)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] means = new Tensor[Layers];
        means[0] = visible.flatten(1).clone();
        for (int layer = 1; layer < Layers; layer++)
            means[layer] = FromBelow(means, layer).mul_(Kept(layer + 1 < Layers ? 2 : 1)).add_(_biases[layer], Kept(1)).sigmoid_();
        // What comes from the visible units is the same in every sweep.
        Tensor fromVisible = Below(means, 1);
        for (int half = 0; half < 2 * MeanFieldSweeps; half++)
        {
            using DisposeScope sweep = NewDisposeScope();
            for (int layer = 1 + half % 2; layer < Layers; layer += 2)
                means[layer].copy_((layer == 1 ? fromVisible.add(FromAbove(means, 1), Kept(1)) : Drive(means, layer)).sigmoid_());
        }
        return cat(means, 1).MoveToOuterDisposeScope();
    }

    public IAnnealedPath? PathFrom(Tensor mean, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        return new DbmPath(this, mean.flatten().narrow(0, 0, VisibleLength).logit().DetachFromDisposeScope(), temperature);
    }

    internal static string WeightOf(int layer) => $"layer{layer}.weight";

    internal static string BiasOf(int layer) => $"layer{layer}.bias";

    /// <summary>Each layer's units, (n, units), in memory of its own: where a row begins in x must not show in the bits.</summary>
    internal Tensor[] Split(Tensor x)
    {
        Tensor rows = x.flatten(1);
        return [.. Enumerable.Range(0, Layers).Select(layer => Part(rows, 1, layer).clone())];
    }

    internal Tensor BiasOfLayer(int layer) => _biases[layer];

    /// <summary>What drives a layer's units given its neighbours, (n, units): their log-odds.</summary>
    internal Tensor Drive(Tensor[] units, int layer)
    {
        Tensor drive = Below(units, layer);
        return layer + 1 < Layers ? drive.add(FromAbove(units, layer), Kept(1)) : drive;
    }

    internal static Tensor Bernoulli(Tensor drive, Generator generator) =>
        rand(drive.shape, generator: generator, device: drive.device).less(drive.sigmoid()).to(ScalarType.Float32);

    internal override void RefreshCopies()
    {
        DisposeCopies();
        if (!_weights.Any(weight => weight.requires_grad))
            _transposed = [.. _weights.Select(weight => weight.detach().t().contiguous().DetachFromDisposeScope())];
    }

    protected override void DisposeCopies()
    {
        foreach (Tensor copy in _transposed ?? [])
            copy.Dispose();
        _transposed = null;
    }

    private Tensor Part(Tensor tensor, long dimension, int layer) => tensor.narrow(dimension, _offsets[layer], _offsets[layer + 1] - _offsets[layer]);

    /// <summary>Of every layer its bias and what comes from below: each coupling once.</summary>
    private Tensor[] Ascent(Tensor[] units) => [.. Enumerable.Range(0, Layers).Select(layer => Below(units, layer))];

    private static Tensor EnergyOf(Tensor[] units, Tensor[] ascent) =>
        units.Zip(ascent, (own, below) => own.mul(below).sum([1], type: ScalarType.Float64)).Aggregate((sum, each) => sum.add(each, Kept(1))).neg();

    /// <summary>The bias, (units) of the visible layer, and what comes from below, (n, units) of any other.</summary>
    private Tensor Below(Tensor[] units, int layer) => layer == 0
        ? _biases[0].expand(units[0].shape[0], -1)
        : NativePrimitives.Product(units[layer - 1], Upwards(layer), _biases[layer]);

    private Tensor FromBelow(Tensor[] units, int layer) => NativePrimitives.Product(units[layer - 1], Upwards(layer));

    private Tensor FromAbove(Tensor[] units, int layer) => NativePrimitives.Product(units[layer + 1], _weights[layer]);

    private Tensor Upwards(int layer) => _transposed is { } transposed ? transposed[layer - 1] : _weights[layer - 1].t();
}
