using EbmService.Core.Models;
using EbmService.Inference.Models;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Igebm;

/// <summary>
/// Two 3 x 3 convolutions with leaky ReLU of slope 0.2 between them, a shortcut around both, and leaky ReLU after their sum.
/// </summary>
/// <param name="Channels">Output channels.</param>
/// <param name="Halve">Whether the sum is averaged over squares of 2 x 2 pixels.</param>
public sealed record IgebmBlock(int Channels, bool Halve = false);

/// <summary>
/// The residual energy network of IGEBM (Du and Mordatch 2019), as igebm-pytorch has it: a convolution, residual blocks, ReLU, the sum
/// over all pixels, one
/// linear output, which is E(x). The spectral norm of its weights is folded into them at import. With classes each block scales and
/// shifts its channels
/// by class and the network gives E(x,y); then f(x)[y] = -E(x,y) are the logits and E(x) = -logsumexp_y f(x)[y], which takes the
/// classes as equally likely.
/// </summary>
/// <param name="Channels">Of the first convolution; 128 as published.</param>
/// <param name="Blocks">As published 128 halved, 128, 256 halved, 256, 256 halved, 256.</param>
/// <param name="Classes">Number of classes; 0 for an unconditional model.</param>
public sealed record IgebmSpec(int Channels, IReadOnlyList<IgebmBlock> Blocks, int Classes = 0) : ArchitectureSpec;

/// <inheritdoc cref="IgebmSpec"/>
internal sealed class IgebmArchitecture : Architecture<IgebmSpec>
{
    public override string Kind => "igebm";

    public override TrainingObjective Objective => TrainingObjective.MaximumLikelihood;

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("colour", new IgebmSpec(4, [new(4, true), new(4), new(6, true)]), new InputSchema(InputKind.Image, [3, 8, 8], 0, 1)),
        new("digits", new IgebmSpec(4, [new(4, true), new(6, true), new(6, true)]), new InputSchema(InputKind.Image, [1, 14, 14], 0, 1)),
        new("classes", new IgebmSpec(4, [new(6, true), new(6)], 3), new InputSchema(InputKind.Image, [3, 6, 6], 0, 1)),
    ];

    public override bool StaysFloat32(ArchitectureSpec spec, string parameter) => parameter.StartsWith("head.", StringComparison.Ordinal);

    /// <summary>As PyTorch's layers; of every class scales of 1 and shifts of 0.</summary>
    public override IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator)
    {
        IReadOnlyDictionary<string, Tensor> parameters = base.Initialise(spec, input, generator);
        foreach (Tensor table in parameters.Where(pair => pair.Key.EndsWith(".class", StringComparison.Ordinal)).Select(pair => pair.Value))
        {
            table.zero_();
            table.narrow(1, 0, table.shape[1] / 2).fill_(Devices.Scalars.Kept(1));
        }
        return parameters;
    }

    protected override ModelCapabilities Describe(IgebmSpec spec, ModelCapabilities common) =>
        common with { Classes = spec.Classes, Features = spec.Classes == 0 };

    /// <summary>All that can be wrong is a size: see <see cref="Shapes"/>.</summary>
    protected override IEnumerable<string> Faults(IgebmSpec spec, InputSchema input) => [];

    /// <remarks>
    /// conv1, blocks.B.conv1, blocks.B.conv2 and head, each .weight and .bias; blocks.B.skip.weight where sizes change. With classes a
    /// block's convolutions have
    /// no biases, but it has blocks.B.class (classes, 4 channels): scales of its two convolutions, then shifts.
    /// </remarks>
    protected override ArchitectureShapes Shapes(IgebmSpec spec, InputSchema input)
    {
        Require(input.Kind == InputKind.Image, "takes images, but the input is none");
        Require(spec.Channels >= 1 && spec.Blocks.All(block => block is { Channels: >= 1 }), "has a layer without channels");
        Require(spec.Blocks.Count is >= 1 and <= ModelLimits.MaxLayers, $"has no blocks, or more than {ModelLimits.MaxLayers}");
        Require(spec.Classes is 0 or (>= 2 and <= ModelLimits.MaxClasses),
            $"has {spec.Classes} classes; none or 2 to {ModelLimits.MaxClasses} are allowed");
        var shapes = new Dictionary<string,
            long[]> { ["conv1.weight"] = [spec.Channels, input.Shape[0], 3, 3], ["conv1.bias"] = [spec.Channels] };
        (long channels, long height, long width) = (spec.Channels, input.Shape[1], input.Shape[2]);
        long activations = checked(channels * height * width);
        foreach ((int i, IgebmBlock block) in spec.Blocks.Index())
        {
            AddBlock(shapes, $"blocks.{i}", channels, block, spec.Classes);
            activations = checked(activations + 2 * block.Channels * height * width);
            (channels, height, width) = block.Halve ? (block.Channels, height / 2, width / 2) : (block.Channels, height, width);
            Require(height >= 1 && width >= 1, $"halves its map to nothing in block {i}");
        }
        shapes["head.weight"] = [1, channels];
        shapes["head.bias"] = [1];
        return new ArchitectureShapes(shapes, checked(input.Length() + activations * Math.Max(1, spec.Classes)));
    }

    protected override IEnergyModel Create(IgebmSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) =>
        new IgebmEnergy(spec, parameters);

    private static void AddBlock(Dictionary<string, long[]> shapes, string name, long inputs, IgebmBlock block, int classes)
    {
        shapes[$"{name}.conv1.weight"] = [block.Channels, inputs, 3, 3];
        shapes[$"{name}.conv2.weight"] = [block.Channels, block.Channels, 3, 3];
        if (inputs != block.Channels || block.Halve)
            shapes[$"{name}.skip.weight"] = [block.Channels, inputs, 1, 1];
        if (classes > 0)
        {
            shapes[$"{name}.class"] = [classes, checked(4L * block.Channels)];
            return;
        }
        shapes[$"{name}.conv1.bias"] = [block.Channels];
        shapes[$"{name}.conv2.bias"] = [block.Channels];
    }
}
