using EbmService.Core.Models;
using EbmService.Inference.Energies;

namespace EbmService.Inference.Models;

/// <summary>The size of one input's way through a network, walked with checked numbers before anything is allocated.</summary>
/// <param name="Parameters">Trained parameters: name and shape.</param>
/// <param name="Activations">Numbers in all layers together, for one input.</param>
internal sealed record ArchitectureShapes(IReadOnlyDictionary<string, long[]> Parameters, long Activations)
{
    internal long ParameterCount => Parameters.Values.Sum(shape => shape.Aggregate(1L, (product, size) => checked(product * size)));

    /// <exception cref="InvalidModelException">A layer has no size, doesn't fit its input, or the whole is over the limits.</exception>
    internal static ArchitectureShapes Of(ArchitectureSpec architecture, InputSchema input)
    {
        try
        {
            long activations = architecture switch
            {
                ConvolutionalJemArchitecture jem => Convolutional(jem, input),
                MlpArchitecture mlp => Perceptron(mlp, input),
                _ => input.Length(),
            };
            Require(activations <= ModelLimits.MaxActivations, $"needs more than {ModelLimits.MaxActivations} activations per input");
            var shapes = new ArchitectureShapes(EnergyModelFactory.ParameterShapes(architecture, input), activations);
            Require(shapes.ParameterCount <= ModelLimits.MaxParameters, $"has more than {ModelLimits.MaxParameters} parameters");
            return shapes;
        }
        catch (OverflowException e)
        {
            throw new InvalidModelException("the architecture's sizes overflow", e);
        }
    }

    private static long Convolutional(ConvolutionalJemArchitecture jem, InputSchema input)
    {
        Require(input.Kind == InputKind.Image, "takes images, but the input is none");
        Require(jem.Layers.Count is >= 1 and <= ModelLimits.MaxLayers, $"has no layers, or more than {ModelLimits.MaxLayers}");
        Require(jem.Classes is >= 2 and <= ModelLimits.MaxClasses, $"has {jem.Classes} classes; 2 to {ModelLimits.MaxClasses} are allowed");
        (long height, long width) = (input.Shape[1], input.Shape[2]);
        long activations = input.Length() + jem.Classes;
        foreach ((int i, ConvolutionLayer? layer) in jem.Layers.Index())
        {
            Require(layer is { Channels: >= 1, Kernel: >= 1, Stride: >= 1, Padding: >= 0 }, $"has a size below its least in layer {i}");
            height = Convolved(height, layer, i);
            width = Convolved(width, layer, i);
            activations = checked(activations + layer.Channels * height * width);
        }
        return activations;
    }

    private static long Convolved(long size, ConvolutionLayer layer, int index)
    {
        long room = size + 2L * layer.Padding - layer.Kernel;
        Require(room >= 0, $"has a kernel larger than its input in layer {index}");
        return room / layer.Stride + 1;
    }

    private static long Perceptron(MlpArchitecture mlp, InputSchema input)
    {
        Require(mlp.Hidden.Count <= ModelLimits.MaxLayers, $"has more than {ModelLimits.MaxLayers} layers");
        Require(mlp.Hidden.All(width => width >= 1), "has a layer without width");
        return mlp.Hidden.Aggregate((long)input.Length(), (sum, width) => checked(sum + width));
    }

    private static void Require(bool holds, string fault)
    {
        if (!holds)
            throw new InvalidModelException($"the architecture {fault}");
    }
}
