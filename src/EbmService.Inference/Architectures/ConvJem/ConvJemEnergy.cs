using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Architectures.ConvJem;

/// <summary>
/// A convolutional joint energy model (Grathwohl et al. 2020): logits f(x); E(x,y) = -f(x)[y]; E(x) = -logsumexp_y f(x)[y].
/// Inputs (n, channels, height, width) float32. The hidden layers compute in the precision of their parameters; the head's parameters are
/// float32 and its sums float64: rounded to bfloat16 an energy of 100 would be a staircase of steps of a half.
/// </summary>
public sealed class ConvJemEnergy : EnergyModel, ILogitEnergy, IEnergyModel, IReadout
{
    /// <summary>The longest side of a map among <see cref="Layers"/>.</summary>
    private const long MaxSide = 8;

    private readonly (Tensor Weight, Tensor Bias, long Stride, long Padding)[] _layers;
    private readonly Tensor _headWeight;
    private readonly Tensor _headBias;
    private readonly ConvJemNetwork? _network;

    /// <param name="spec">The layers.</param>
    /// <param name="parameters">Exactly those of the architecture; owned by this model from now on.</param>
    public ConvJemEnergy(ConvJemSpec spec, IReadOnlyDictionary<string, Tensor> parameters)
        : base(parameters)
    {
        Classes = spec.Classes;
        _layers =
        [
            .. spec.Layers.Select((layer, i) => (
                parameters[$"layers.{i}.weight"], parameters[$"layers.{i}.bias"],
                (long)layer.Stride, (long)layer.Padding)),
        ];
        _headWeight = parameters["head.weight"];
        _headBias = parameters["head.bias"];
        if (HasFixedHostParameters)
            _network = new ConvJemNetwork(_layers, _headWeight, _headBias);
    }

    public override int Classes { get; }

    public override Tensor Features(Tensor x)
    {
        if (ByHand(x) is { } network)
            return network.Features(x);
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = x.to(_layers[0].Weight.dtype);
        foreach ((Tensor weight, Tensor bias, long stride, long padding) in _layers)
            hidden = F.silu(NativePrimitives.Convolve(hidden, weight, bias, stride, padding));
        return hidden.flatten(1).MoveToOuterDisposeScope();
    }

    public (Tensor Weight, Tensor Bias) Readout => (_headWeight, _headBias);

    public IReadOnlyList<Tensor> Layers(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = x.to(_layers[0].Weight.dtype);
        var layers = new List<Tensor>();
        foreach ((Tensor weight, Tensor bias, long stride, long padding) in _layers)
        {
            hidden = F.silu(NativePrimitives.Convolve(hidden, weight, bias, stride, padding));
            long square = (Math.Max(hidden.shape[2], hidden.shape[3]) + MaxSide - 1) / MaxSide;
            Tensor small = square > 1 && hidden.shape[2] >= square && hidden.shape[3] >= square ? F.avg_pool2d(hidden, square) : hidden;
            layers.Add(small.flatten(1).to(ScalarType.Float32).MoveToOuterDisposeScope());
        }
        return layers;
    }

    public override Tensor Logits(Tensor x)
    {
        if (ByHand(x) is { } network)
            return network.Logits(x);
        using DisposeScope scope = NewDisposeScope();
        return NativePrimitives.Linear(
            Features(x).to(ScalarType.Float64), _headWeight.to(ScalarType.Float64), _headBias.to(ScalarType.Float64)).MoveToOuterDisposeScope();
    }

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using Tensor logits = Logits(x);
        return EnergyOfLogits(logits, labels);
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null) =>
        _network?.Compute(x, labels) ?? base.EnergyAndGradient(x, labels);

    public override (Tensor Logits, Tensor Gradient) CrossEntropyGradient(Tensor x, Tensor labels) =>
        _network?.CrossEntropyGradient(x, labels) ?? base.CrossEntropyGradient(x, labels);

    public (Tensor Logits, Tensor Gradient) LogitsAndGradient(Tensor x, Func<Tensor, Tensor> slope)
    {
        if (_network is not null)
            return _network.Compute(x, slope);
        using IDisposable gradients = enable_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor input = x.detach().requires_grad_(true);
        Tensor logits = Logits(input);
        Tensor gradient = NativePrimitives.Gradients(logits.mul(slope(logits.detach())).sum(), [input], Parameters)[0];
        return (logits.detach().MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    internal override void RefreshCopies() => _network?.Refresh();

    protected override void DisposeCopies() => _network?.Dispose();

    /// <summary>Null where somebody differentiates through the answer.</summary>
    private ConvJemNetwork? ByHand(Tensor x) => x.requires_grad ? null : _network;
}
