using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Inference.Architectures;

/// <summary>The size of one input's way through a network, walked with checked numbers before anything is allocated.</summary>
/// <param name="Parameters">Trained parameters: name and shape.</param>
/// <param name="Activations">Numbers in all layers together, for one input.</param>
public sealed record ArchitectureShapes(IReadOnlyDictionary<string, long[]> Parameters, long Activations)
{
    internal long ParameterCount => Parameters.Values.Sum(shape => shape.Aggregate(1L, (product, size) => checked(product * size)));

    /// <exception cref="InvalidModelException">A layer has no size, doesn't fit its input, or the whole is over the limits.</exception>
    internal static ArchitectureShapes Of(ArchitectureSpec spec, InputSchema input)
    {
        try
        {
            ArchitectureShapes shapes = spec.Family().Shapes(spec, input);
            Require(shapes.Activations <= ModelLimits.MaxActivations, $"needs more than {ModelLimits.MaxActivations} activations per input");
            Require(shapes.ParameterCount <= ModelLimits.MaxParameters, $"has more than {ModelLimits.MaxParameters} parameters");
            return shapes;
        }
        catch (OverflowException e)
        {
            throw new InvalidModelException("the architecture's sizes overflow", e);
        }
    }

    internal static void Require(bool holds, string fault)
    {
        if (!holds)
            throw new InvalidModelException($"the architecture {fault}");
    }
}
