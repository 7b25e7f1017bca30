using EbmService.Core.Models;
using EbmService.Inference.Models;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.WideResNet;

/// <summary>
/// A wide residual network (Zagoruyko and Komodakis 2016) read as a joint energy model, as JEM has it (Grathwohl et al. 2020): 3 x 3
/// convolutions with biases,
/// leaky ReLU of slope 0.2 before each, three stages of (depth - 4) / 6 blocks with 16, 32 and 64 times width channels, an average
/// pool, a linear head.
/// Logits f(x), E(x,y) = -f(x)[y], E(x) = -logsumexp_y f(x)[y].
/// </summary>
/// <param name="Depth">6 n + 4: 10, 16, 22, 28...</param>
/// <param name="Width">The factor on the channels.</param>
/// <param name="Classes">Number of logits.</param>
/// <param name="Norm">Whether a scale and shift by channel precede each leaky ReLU: batch norm with frozen statistics.</param>
/// <param name="Pool">Side of the average pool, pixels; the last map of a 32 x 32 picture is 8 x 8.</param>
public sealed record WideResNetSpec(int Depth, int Width, int Classes, bool Norm = false, int Pool = 8) : ArchitectureSpec
{
    internal const int Stages = 3;

    /// <value>Channels of the first convolution.</value>
    internal const int StemChannels = 16;

    internal int Blocks => (Depth - 4) / 6;

    /// <summary>Every block in order, with the names of its parameters.</summary>
    internal IEnumerable<WideBlock> AllBlocks()
    {
        long inputs = StemChannels;
        for (int stage = 0; stage < Stages; stage++)
        {
            long outputs = checked((long)StemChannels * Width << stage);
            for (int block = 0; block < Blocks; block++)
            {
                yield return new WideBlock($"layer{stage + 1}.{block}", inputs, outputs, stage > 0 && block == 0 ? 2 : 1);
                inputs = outputs;
            }
        }
    }
}

/// <summary>One residual block.</summary>
/// <param name="Name">Before the names of its parameters.</param>
internal readonly record struct WideBlock(string Name, long Inputs, long Outputs, int Stride)
{
    public bool HasShortcut => Stride != 1 || Inputs != Outputs;
}

/// <inheritdoc cref="WideResNetSpec"/>
internal sealed class WideResNetArchitecture : Architecture<WideResNetSpec>
{
    public override string Kind => "wide-resnet-jem";

    public override TrainingObjective Objective => TrainingObjective.MaximumLikelihood;

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("colour", new WideResNetSpec(10, 1, 3, Pool: 2), new InputSchema(InputKind.Image, [3, 8, 8], -1, 1)),
        new("norm", new WideResNetSpec(10, 1, 2, Norm: true, Pool: 2), new InputSchema(InputKind.Image, [1, 9, 7], -1, 1)),
        new("deeper", new WideResNetSpec(16, 1, 10, Pool: 1), new InputSchema(InputKind.Image, [1, 4, 4], -1, 1)),
    ];

    public override bool StaysFloat32(ArchitectureSpec spec, string parameter) => parameter.StartsWith("head.", StringComparison.Ordinal);

    /// <summary>As PyTorch's layers; scales of 1 and shifts of 0.</summary>
    public override IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator)
    {
        IReadOnlyDictionary<string, Tensor> parameters = base.Initialise(spec, input, generator);
        foreach ((string name, Tensor parameter) in parameters)
        {
            if (name.EndsWith(".scale", StringComparison.Ordinal))
                parameter.fill_(Devices.Scalars.Kept(1));
            else if (name.EndsWith(".shift", StringComparison.Ordinal))
                parameter.zero_();
        }
        return parameters;
    }

    protected override ModelCapabilities Describe(WideResNetSpec spec, ModelCapabilities common) =>
        common with { Classes = spec.Classes, Features = true };

    /// <summary>All that can be wrong is a size: see <see cref="Shapes"/>.</summary>
    protected override IEnumerable<string> Faults(WideResNetSpec spec, InputSchema input) => [];

    /// <remarks>
    /// conv1, layerS.B.conv1, layerS.B.conv2, layerS.B.shortcut and head, each .weight and .bias; with a norm layerS.B.norm1,
    /// layerS.B.norm2 and norm, each
    /// .scale and .shift.
    /// </remarks>
    protected override ArchitectureShapes Shapes(WideResNetSpec spec, InputSchema input)
    {
        Require(input.Kind == InputKind.Image, "takes images, but the input is none");
        Require(spec.Depth is >= 10 and <= ModelLimits.MaxLayers && (spec.Depth - 4) % 6 == 0,
            $"has a depth of {spec.Depth}; 10, 16, 22 and so on to {ModelLimits.MaxLayers} are possible");
        Require(spec.Width >= 1, "has a width below 1");
        Require(spec.Classes is >= 2 and <= ModelLimits.MaxClasses,
            $"has {spec.Classes} classes; 2 to {ModelLimits.MaxClasses} are allowed");
        var shapes = new Dictionary<string, long[]>();
        (long height, long width) = (input.Shape[1], input.Shape[2]);
        AddConvolution(shapes, "conv1", input.Shape[0], WideResNetSpec.StemChannels, 3);
        long activations = checked(input.Length() + spec.Classes + WideResNetSpec.StemChannels * height * width);
        long channels = WideResNetSpec.StemChannels;
        foreach (WideBlock block in spec.AllBlocks())
        {
            AddBlock(shapes, block, spec.Norm);
            activations = checked(activations + block.Outputs * height * width);
            (height, width, channels) = ((height - 1) / block.Stride + 1, (width - 1) / block.Stride + 1, block.Outputs);
            activations = checked(activations + block.Outputs * height * width);
        }
        if (spec.Norm)
            AddNorm(shapes, "norm", channels);
        Require(spec.Pool >= 1 && height >= spec.Pool && width >= spec.Pool,
            $"has an average pool of {spec.Pool} over a map of {height} x {width}");
        shapes["head.weight"] = [spec.Classes, checked(channels * (height / spec.Pool) * (width / spec.Pool))];
        shapes["head.bias"] = [spec.Classes];
        return new ArchitectureShapes(shapes, activations);
    }

    protected override IEnergyModel Create(WideResNetSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) =>
        new WideResNetEnergy(spec, parameters);

    private static void AddBlock(Dictionary<string, long[]> shapes, WideBlock block, bool norm)
    {
        AddConvolution(shapes, $"{block.Name}.conv1", block.Inputs, block.Outputs, 3);
        AddConvolution(shapes, $"{block.Name}.conv2", block.Outputs, block.Outputs, 3);
        if (block.HasShortcut)
            AddConvolution(shapes, $"{block.Name}.shortcut", block.Inputs, block.Outputs, 1);
        if (!norm)
            return;
        AddNorm(shapes, $"{block.Name}.norm1", block.Inputs);
        AddNorm(shapes, $"{block.Name}.norm2", block.Outputs);
    }

    private static void AddConvolution(Dictionary<string, long[]> shapes, string name, long inputs, long outputs, long kernel)
    {
        shapes[$"{name}.weight"] = [outputs, inputs, kernel, kernel];
        shapes[$"{name}.bias"] = [outputs];
    }

    private static void AddNorm(Dictionary<string, long[]> shapes, string name, long channels)
    {
        shapes[$"{name}.scale"] = [channels];
        shapes[$"{name}.shift"] = [channels];
    }
}
