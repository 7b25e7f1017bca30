using EbmService.Core.Models;
using EbmService.Inference.Models;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.ConvJem;

/// <summary>One convolution with SiLU after it.</summary>
/// <param name="Channels">Output channels.</param>
/// <param name="Kernel">Side of the square kernel, pixels.</param>
/// <param name="Stride">Step, pixels.</param>
/// <param name="Padding">Zero padding on each side, pixels.</param>
public sealed record ConvolutionLayer(int Channels, int Kernel, int Stride = 1, int Padding = 1);

/// <summary>
/// A convolutional classifier read as a joint energy model (Grathwohl et al. 2020): logits f(x), E(x,y) = -f(x)[y],
/// E(x) = -logsumexp_y f(x)[y]. No normalisation layers, so that the rows of a batch are independent.
/// </summary>
public sealed record ConvJemSpec(IReadOnlyList<ConvolutionLayer> Layers, int Classes) : ArchitectureSpec;

/// <inheritdoc cref="ConvJemSpec"/>
internal sealed class ConvJemArchitecture : Architecture<ConvJemSpec>
{
    public override string Kind => "conv-jem";

    public override TrainingObjective Objective => TrainingObjective.MaximumLikelihood;

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("grey", new ConvJemSpec([new(4, 3), new(6, 4, 2)], 3), new InputSchema(InputKind.Image, [1, 8, 8], -1, 1)),
        new("colour", new ConvJemSpec([new(8, 4, 2)], 2), new InputSchema(InputKind.Image, [3, 6, 6], -1, 1)),
        new("binary", new ConvJemSpec([new(4, 3)], 2), new InputSchema(InputKind.Image, [1, 4, 4], 0, 1, VariableKind.Binary)),
    ];

    public override bool StaysFloat32(ArchitectureSpec spec, string parameter) => parameter.StartsWith("head.", StringComparison.Ordinal);

    protected override IReadOnlyList<VariableKind> Variables => [VariableKind.Continuous, VariableKind.Binary];

    protected override ModelCapabilities Describe(ConvJemSpec spec, ModelCapabilities common) => common with { Classes = spec.Classes, Features = true };

    /// <summary>All that can be wrong is a size: see <see cref="Shapes"/>.</summary>
    protected override IEnumerable<string> Faults(ConvJemSpec spec, InputSchema input) => [];

    /// <remarks>layers.i.weight (outputs, inputs, kernel, kernel), layers.i.bias (outputs), head.weight (classes, channels x height x width), head.bias (classes).</remarks>
    protected override ArchitectureShapes Shapes(ConvJemSpec spec, InputSchema input)
    {
        Require(input.Kind == InputKind.Image, "takes images, but the input is none");
        Require(spec.Layers.Count is >= 1 and <= ModelLimits.MaxLayers, $"has no layers, or more than {ModelLimits.MaxLayers}");
        Require(spec.Classes is >= 2 and <= ModelLimits.MaxClasses, $"has {spec.Classes} classes; 2 to {ModelLimits.MaxClasses} are allowed");
        var shapes = new Dictionary<string, long[]>();
        (long channels, long height, long width) = (input.Shape[0], input.Shape[1], input.Shape[2]);
        long activations = input.Length() + spec.Classes;
        foreach ((int i, ConvolutionLayer? layer) in spec.Layers.Index())
        {
            Require(layer is { Channels: >= 1, Kernel: >= 1, Stride: >= 1, Padding: >= 0 }, $"has a size below its least in layer {i}");
            shapes[$"layers.{i}.weight"] = [layer.Channels, channels, layer.Kernel, layer.Kernel];
            shapes[$"layers.{i}.bias"] = [layer.Channels];
            (channels, height, width) = (layer.Channels, Convolved(height, layer, i), Convolved(width, layer, i));
            activations = checked(activations + channels * height * width);
        }
        shapes["head.weight"] = [spec.Classes, checked(channels * height * width)];
        shapes["head.bias"] = [spec.Classes];
        return new ArchitectureShapes(shapes, activations);
    }

    protected override IEnergyModel Create(ConvJemSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new ConvJemEnergy(spec, parameters);

    private static long Convolved(long size, ConvolutionLayer layer, int index)
    {
        long room = size + 2L * layer.Padding - layer.Kernel;
        Require(room >= 0, $"has a kernel larger than its input in layer {index}");
        return room / layer.Stride + 1;
    }
}
