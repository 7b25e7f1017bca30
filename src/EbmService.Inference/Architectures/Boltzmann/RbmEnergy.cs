using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// The free energy of a restricted Boltzmann machine (<see cref="RbmSpec"/>), inputs (n, ...input). Products are float32, sums over units float64. Its conditionals:
/// hidden units given v, and a class where there are label units and none is given; then v given those. Drawn from
/// exp(-E(v, h) / T): at T other than 1 that is not exp(-F(v) / T), as h is tempered too.
/// </summary>
public sealed class RbmEnergy : EnergyModel, IAnnealedModel, ICentredGradients, IFilterBank
{
    private readonly Tensor _weight, _visibleBias, _hiddenBias;
    private readonly Tensor? _labelWeight, _labelBias, _logVariance;
    private readonly VisibleUnits _units;
    private Tensor? _transposed;

    /// <param name="units">What v is.</param>
    /// <param name="parameters">Exactly those of the architecture; owned by this model from now on.</param>
    public RbmEnergy(VisibleUnits units, IReadOnlyDictionary<string, Tensor> parameters)
        : base(parameters)
    {
        (_weight, _visibleBias, _hiddenBias) = (parameters["weight"], parameters["visible.bias"], parameters["hidden.bias"]);
        _labelWeight = parameters.GetValueOrDefault("label.weight");
        _labelBias = parameters.GetValueOrDefault("label.bias");
        _logVariance = parameters.GetValueOrDefault("visible.logVariance");
        _units = units;
        RefreshCopies();
    }

    public override int Classes => (int)(_labelBias?.shape[0] ?? 0);

    public int Blocks => 1;

    public Tensor Filters => _weight;

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor v = x.flatten(1);
        Tensor drive = Drive(Scaled(v));
        return Energy(v, drive, labels, ClassLogits(v, drive, labels)).MoveToOuterDisposeScope();
    }

    /// <returns>-F(v, y), (n, classes) float64.</returns>
    public override Tensor? Logits(Tensor x)
    {
        if (_labelWeight is null)
            return null;
        using DisposeScope scope = NewDisposeScope();
        Tensor v = x.flatten(1);
        return LogitsOf(v, Drive(Scaled(v))).MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor v = x.flatten(1);
        Tensor drive = Drive(Scaled(v));
        Tensor? logits = ClassLogits(v, drive, labels);
        Tensor pull = NativePrimitives.Product(Expected(drive, labels, logits), _weight);
        Tensor gradient = _units == VisibleUnits.Gaussian ? Scaled(v.sub(_visibleBias).sub_(pull)) : pull.neg_().sub_(_visibleBias);
        return (Energy(v, drive, labels, logits).MoveToOuterDisposeScope(), gradient.view(x.shape).MoveToOuterDisposeScope());
    }

    public void Resample(Tensor x, int block, double temperature, Tensor? labels, Tensor? held, Generator generator)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = DrawHidden(x.flatten(1), temperature, labels, generator);
        Tensor drawn = DrawVisible(hidden, temperature, x.shape, generator);
        x.copy_(held is null ? drawn : where(held, x, drawn));
    }

    /// <inheritdoc/>
    /// <remarks>log sum_h exp(-E(v, h) / T), and over classes too where none is given.</remarks>
    public Tensor LogDensity(Tensor x, Tensor inverseTemperature, Tensor? labels)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor v = x.flatten(1), drive = Drive(Scaled(v)).to(ScalarType.Float64), perUnit = inverseTemperature.unsqueeze(1);
        Tensor hidden;
        if (_labelWeight is null)
            hidden = Softplus(drive.mul_(perUnit)).sum([1]);
        else if (labels is not null)
            hidden = Softplus(drive.add_(OfLabels(labels), Kept(1)).mul_(perUnit)).sum([1]).add_(_labelBias!.index_select(0, labels).mul(inverseTemperature), Kept(1));
        else
            hidden = Softplus(drive.unsqueeze(1).add(_labelWeight.t(), Kept(1)).mul_(perUnit.unsqueeze(2))).sum([2]).add_(_labelBias!.mul(perUnit), Kept(1)).logsumexp(1);
        return hidden.sub_(Visible(v).mul_(inverseTemperature)).MoveToOuterDisposeScope();
    }

    public IAnnealedPath? PathFrom(Tensor mean, double temperature)
    {
        if (_units != VisibleUnits.Bernoulli || _labelWeight is not null)
            return null;
        using DisposeScope scope = NewDisposeScope();
        return new RbmPath(this, mean.flatten().logit(), temperature);
    }

    public Dictionary<string, Tensor> Centre(Dictionary<string, Tensor> gradients, Tensor data, Tensor samples)
    {
        using IDisposable noGradient = no_grad();
        Tensor v = data.flatten(1), w = samples.flatten(1);
        RbmCentring.Centre(
            gradients, RbmCentring.Offset(v, w),
            RbmCentring.Offset(Expected(Drive(Scaled(v)), labels: null, logits: null), Expected(Drive(Scaled(w)), labels: null, logits: null)));
        return gradients;
    }

    internal override void RefreshCopies()
    {
        DisposeCopies();
        if (!_weight.requires_grad)
            _transposed = _weight.detach().t().contiguous().DetachFromDisposeScope();
    }

    protected override void DisposeCopies()
    {
        _transposed?.Dispose();
        _transposed = null;
    }

    /// <summary>v as the weights see it: v / s^2 where units are continuous.</summary>
    private Tensor Scaled(Tensor v) => _logVariance is { } logVariance ? v.mul(logVariance.neg().exp()) : v.alias();

    /// <summary>What drives the hidden units but for labels, c + W v, (n, hidden).</summary>
    private Tensor Drive(Tensor scaled) => NativePrimitives.Product(scaled, _transposed ?? _weight.t(), _hiddenBias);

    /// <summary>Logits where classes are summed out: energy and gradient both need them.</summary>
    private Tensor? ClassLogits(Tensor v, Tensor drive, Tensor? labels) => _labelWeight is not null && labels is null ? LogitsOf(v, drive) : null;

    private Tensor Energy(Tensor v, Tensor drive, Tensor? labels, Tensor? logits)
    {
        if (_labelWeight is null)
            return Visible(v).sub(Softplus(drive).sum([1]));
        return labels is null
            ? logits!.logsumexp(1).neg()
            : Visible(v).sub(Softplus(drive.add(OfLabels(labels), Kept(1))).sum([1])).sub(_labelBias!.index_select(0, labels));
    }

    /// <summary>The energy of v alone, (n) float64.</summary>
    private Tensor Visible(Tensor v)
    {
        if (_units != VisibleUnits.Gaussian)
            return v.mul(_visibleBias).sum([1], type: ScalarType.Float64).neg();
        Tensor away = v.sub(_visibleBias);
        return Scaled(away).mul(away).sum([1], type: ScalarType.Float64).div(Kept(2));
    }

    private Tensor LogitsOf(Tensor v, Tensor drive) =>
        Softplus(drive.unsqueeze(1).add(_labelWeight!.t(), Kept(1))).sum([2]).add(_labelBias!, Kept(1)).sub(Visible(v).unsqueeze(1));

    /// <summary>U_y of each row's class, (n, hidden).</summary>
    private Tensor OfLabels(Tensor labels) => _labelWeight!.t().index_select(0, labels);

    /// <summary>Means of the hidden units given v and the classes, or averaged over p(y | v) where none are given, (n, hidden).</summary>
    private Tensor Expected(Tensor drive, Tensor? labels, Tensor? logits)
    {
        if (_labelWeight is null)
            return drive.sigmoid();
        if (labels is not null)
            return drive.add(OfLabels(labels), Kept(1)).sigmoid();
        Tensor byClass = drive.unsqueeze(1).add(_labelWeight.t(), Kept(1)).sigmoid();
        return byClass.mul(logits!.softmax(1).to(ScalarType.Float32).unsqueeze(2)).sum([1]);
    }

    private Tensor DrawHidden(Tensor v, double temperature, Tensor? labels, Generator generator)
    {
        Tensor drive = Drive(Scaled(v)).div_(Kept(temperature));
        if (_labelWeight is not null)
            drive.add_(OfLabels(labels ?? DrawClass(drive, temperature, generator)), alpha: Kept(1 / temperature));
        return rand(drive.shape, generator: generator, device: v.device).less(drive.sigmoid_()).to(ScalarType.Float32);
    }

    /// <summary>y given v from exp(-E(v, h, y) / T), h summed out.</summary>
    private Tensor DrawClass(Tensor tempered, double temperature, Generator generator)
    {
        Tensor drives = tempered.unsqueeze(1).add(_labelWeight!.t(), alpha: Kept(1 / temperature));
        Tensor logits = Softplus(drives).sum([2]).add(_labelBias!, alpha: Kept(1 / temperature));
        return logits.sub(empty_like(logits).exponential_(1, generator).log_()).argmax(1);
    }

    private Tensor DrawVisible(Tensor hidden, double temperature, long[] shape, Generator generator)
    {
        Tensor drive = NativePrimitives.Product(hidden, _weight, _visibleBias).view(shape);
        if (_units == VisibleUnits.Gaussian)
        {
            Tensor noise = empty_like(drive).normal_(0, Math.Sqrt(temperature), generator);
            return drive.add_(_logVariance is { } logVariance ? noise.mul_(logVariance.div(Kept(2)).exp().view(shape[1..])) : noise, Kept(1));
        }
        if (_units != VisibleUnits.Softmax)
            return rand(shape, generator: generator, device: drive.device).less(drive.div_(Kept(temperature)).sigmoid_()).to(ScalarType.Float32);
        // The largest of the drives plus Gumbel noise.
        Tensor picked = drive.div_(Kept(temperature)).sub_(empty_like(drive).exponential_(1, generator).log_()).argmax(-1, keepdim: true);
        return zeros_like(drive).scatter_(-1, picked, ones_like(picked, ScalarType.Float32));
    }

    internal static Tensor Softplus(Tensor drive)
    {
        Tensor wide = drive.to(ScalarType.Float64);
        return wide.logaddexp(zeros_like(wide));
    }
}
