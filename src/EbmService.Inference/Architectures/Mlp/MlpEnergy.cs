using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Architectures.Mlp;

/// <summary>
/// A multilayer perceptron over vectors (n, dimension): SiLU between layers, one output, which is E(x). The hidden layers compute in the precision of
/// their parameters, the last one sums in float64.
/// </summary>
public sealed class MlpEnergy : EnergyModel
{
    private readonly (Tensor Weight, Tensor Bias)[] _layers;
    private readonly MlpNetwork? _network;

    /// <param name="spec">The hidden widths.</param>
    /// <param name="parameters">Exactly those of the architecture; owned by this model from now on.</param>
    public MlpEnergy(MlpSpec spec, IReadOnlyDictionary<string, Tensor> parameters)
        : base(parameters)
    {
        _layers =
        [
            .. Enumerable.Range(0, spec.Hidden.Count + 1)
                .Select(i => (parameters[$"layers.{i}.weight"], parameters[$"layers.{i}.bias"])),
        ];
        if (HasFixedHostParameters)
            _network = new MlpNetwork(_layers);
    }

    public override Tensor Features(Tensor x)
    {
        if (ByHand(x) is { } network)
            return network.Features(x);
        using DisposeScope scope = NewDisposeScope();
        // Without a hidden layer the answer would be the caller's own input.
        Tensor hidden = x.to(_layers[0].Weight.dtype, copy: _layers.Length == 1);
        foreach ((Tensor weight, Tensor bias) in _layers.AsSpan(0, _layers.Length - 1))
            hidden = F.silu(NativePrimitives.Linear(hidden, weight, bias));
        return hidden.MoveToOuterDisposeScope();
    }

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        if (ByHand(x) is { } network)
            return network.Energy(x);
        using DisposeScope scope = NewDisposeScope();
        (Tensor weight, Tensor bias) = _layers[^1];
        return NativePrimitives.Linear(Features(x).to(ScalarType.Float64), weight.to(ScalarType.Float64), bias.to(ScalarType.Float64))
            .squeeze(1).MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null) =>
        _network?.Compute(x) ?? base.EnergyAndGradient(x, labels);

    internal override void RefreshCopies() => _network?.Refresh();

    protected override void DisposeCopies() => _network?.Dispose();

    /// <summary>Null where somebody differentiates through the answer.</summary>
    private MlpNetwork? ByHand(Tensor x) => x.requires_grad ? null : _network;
}
