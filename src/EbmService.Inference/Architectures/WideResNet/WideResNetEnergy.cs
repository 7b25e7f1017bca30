using EbmService.Inference.Networks;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.WideResNet;

/// <summary>
/// A wide residual network as a joint energy model; see <see cref="WideResNetSpec"/>. Inputs (n, channels, height, width) float32.
/// </summary>
internal sealed class WideResNetEnergy : LayeredEnergyModel
{
    private readonly LayeredNetwork _network;

    /// <param name="spec">The sizes.</param>
    /// <param name="parameters">Exactly those of the architecture; owned by this model from now on.</param>
    public WideResNetEnergy(WideResNetSpec spec, IReadOnlyDictionary<string, Tensor> parameters)
        : base(parameters)
    {
        Classes = spec.Classes;
        List<INetworkLayer> layers = [Convolution("conv1"), .. spec.AllBlocks().Select(block => Block(block, spec.Norm))];
        if (spec.Norm)
            layers.Add(Norm("norm"));
        layers.AddRange([new LeakyRectifier(LeakyRectifier.UsualSlope), new AveragePool(spec.Pool), new Flatten()]);
        _network = new LayeredNetwork(
            new LayerSequence(layers), parameters["head.weight"], parameters["head.bias"], parameters["conv1.weight"].dtype);
    }

    public override int Classes { get; }

    public override Tensor Features(Tensor x) => _network.Features(x);

    public override Tensor Logits(Tensor x) => _network.Outputs(x);

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using Tensor logits = Logits(x);
        return EnergyOfLogits(logits, labels);
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        if (!IsFrozen)
            return base.EnergyAndGradient(x, labels);
        (Tensor logits, Tensor gradient) = _network.Differentiate(x, null, each => labels is null
            ? each.softmax(1).neg()
            : zeros_like(each).scatter_(1, labels.unsqueeze(1), full_like(each.narrow(1, 0, 1), Kept(-1.0))));
        using (logits)
            return (EnergyOfLogits(logits, labels), gradient);
    }

    public override (Tensor Logits, Tensor Gradient) CrossEntropyGradient(Tensor x, Tensor labels) =>
        IsFrozen ? _network.Differentiate(x, null, logits => CrossEntropySlope(logits, labels)) : base.CrossEntropyGradient(x, labels);

    private ResidualLayer Block(WideBlock block, bool norm)
    {
        List<INetworkLayer> body =
        [
            new LeakyRectifier(LeakyRectifier.UsualSlope), Convolution($"{block.Name}.conv1"),
            new LeakyRectifier(LeakyRectifier.UsualSlope), Convolution($"{block.Name}.conv2", block.Stride),
        ];
        if (norm)
        {
            body.Insert(2, Norm($"{block.Name}.norm2"));
            body.Insert(0, Norm($"{block.Name}.norm1"));
        }
        return new ResidualLayer(
            new LayerSequence(body), block.HasShortcut ? Convolution($"{block.Name}.shortcut", block.Stride) : null);
    }

    private ChannelAffine Norm(string name) => new(Parameters[$"{name}.scale"], Parameters[$"{name}.shift"]);
}
