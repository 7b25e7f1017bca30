namespace EbmService.Core.Models;

/// <summary>What one input is.</summary>
public enum InputKind
{
    /// <summary>Shape (channels, height, width).</summary>
    Image,

    /// <summary>Shape (dimension).</summary>
    Vector,
}

/// <summary>The shape and range of one input, without the batch dimension.</summary>
/// <param name="Kind">How the numbers are read and drawn.</param>
/// <param name="Shape">Sizes of one input, for example [1, 28, 28].</param>
/// <param name="Min">The value of black, or the lower end of the base distribution.</param>
/// <param name="Max">The value of white, or the upper end of the base distribution.</param>
public sealed record InputSchema(InputKind Kind, IReadOnlyList<int> Shape, double Min, double Max)
{
    /// <summary>Numbers in one input.</summary>
    public int Length() => Shape.Aggregate(1, (product, size) => checked(product * size));
}
