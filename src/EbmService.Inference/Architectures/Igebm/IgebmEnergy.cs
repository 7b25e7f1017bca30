using EbmService.Inference.Networks;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Igebm;

/// <summary>The residual energy network of IGEBM; see <see cref="IgebmSpec"/>. Inputs (n, channels, height, width) float32.</summary>
internal sealed class IgebmEnergy : LayeredEnergyModel
{
    private readonly LayeredNetwork _network;

    /// <summary>0, 1, ... by class; null without classes.</summary>
    private readonly Tensor? _classes;

    /// <param name="spec">The sizes.</param>
    /// <param name="parameters">Exactly those of the architecture; owned by this model from now on.</param>
    public IgebmEnergy(IgebmSpec spec, IReadOnlyDictionary<string, Tensor> parameters)
        : base(parameters)
    {
        Classes = spec.Classes;
        if (Classes > 0)
            _classes = arange(Kept(Classes), dtype: ScalarType.Int64, device: parameters["head.weight"].device).DetachFromDisposeScope();
        var body = new LayerSequence(
        [
            Convolution("conv1"), Rectifier(),
            .. spec.Blocks.SelectMany((block, i) => Block($"blocks.{i}", block)),
            new LeakyRectifier(0), new ChannelSum(),
        ]);
        _network = new LayeredNetwork(body, parameters["head.weight"], parameters["head.bias"], parameters["conv1.weight"].dtype);
    }

    public override int Classes { get; }

    /// <summary>Null where they depend on the class.</summary>
    public override Tensor? Features(Tensor x) => Classes == 0 ? _network.Features(x) : null;

    /// <summary>-E(x,y) of every class; a pass over n x classes rows.</summary>
    public override Tensor? Logits(Tensor x)
    {
        if (Classes == 0)
            return null;
        using DisposeScope scope = NewDisposeScope();
        (Tensor rows, Tensor labels) = OfEveryClass(x);
        return _network.Outputs(rows, labels).view(x.shape[0], Classes).neg().MoveToOuterDisposeScope();
    }

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor energy = Classes > 0 && labels is null ? Logits(x)!.logsumexp(1).neg() : _network.Outputs(x, labels).squeeze(1);
        return energy.MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        if (!IsFrozen)
            return base.EnergyAndGradient(x, labels);
        using DisposeScope scope = NewDisposeScope();
        if (Classes > 0 && labels is null)
            return OverClasses(x);
        (Tensor energy, Tensor gradient) = _network.Differentiate(x, labels, each => ones_like(each));
        return (energy.squeeze(1).MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    protected override void DisposeCopies()
    {
        base.DisposeCopies();
        _classes?.Dispose();
    }

    /// <summary>dE/dx is the mean of dE(x,y)/dx over p(y|x).</summary>
    private (Tensor Energy, Tensor Gradient) OverClasses(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        (Tensor rows, Tensor labels) = OfEveryClass(x);
        (Tensor energies, Tensor gradients) = _network.Differentiate(
            rows, labels, each => each.view(-1, Classes).neg().softmax(1).view(-1, 1));
        Tensor energy = energies.view(-1, Classes).neg().logsumexp(1).neg();
        Tensor gradient = gradients.view([x.shape[0], Classes, .. x.shape[1..]]).sum(1);
        return (energy.MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    /// <summary>Each row once for every class, and the classes.</summary>
    private (Tensor Rows, Tensor Labels) OfEveryClass(Tensor x) => (x.repeat_interleave(Classes, 0), _classes!.repeat(x.shape[0]));

    private IEnumerable<INetworkLayer> Block(string name, IgebmBlock block)
    {
        List<INetworkLayer> body = [Convolution($"{name}.conv1"), Rectifier(), Convolution($"{name}.conv2")];
        if (Parameters.TryGetValue($"{name}.class", out Tensor? table))
        {
            body.Add(new ClassAffine(table, second: true));
            body.Insert(1, new ClassAffine(table, second: false));
        }
        bool hasSkip = Parameters.ContainsKey($"{name}.skip.weight");
        yield return new ResidualLayer(new LayerSequence(body), hasSkip ? Convolution($"{name}.skip") : null);
        if (block.Halve)
            yield return new AveragePool(2);
        yield return Rectifier();
    }

    private static LeakyRectifier Rectifier() => new(LeakyRectifier.UsualSlope);
}
