using System.Text.Json.Serialization;

namespace EbmService.Core.Models;

/// <summary>What one input is.</summary>
public enum InputKind
{
    /// <summary>Shape (channels, height, width).</summary>
    Image,

    /// <summary>Shape (dimension); of categorical variables (variables, categories).</summary>
    Vector,
}

/// <summary>What values the numbers of an input take.</summary>
public enum VariableKind
{
    /// <summary>Any number between min and max, which are also the range of the base distribution.</summary>
    Continuous,

    /// <summary>0 or 1 each.</summary>
    Binary,

    /// <summary>The last dimension is one-hot: (variables, categories).</summary>
    Categorical,
}

/// <summary>The shape and range of one input, without the batch dimension.</summary>
/// <param name="Kind">How the numbers are read and drawn.</param>
/// <param name="Shape">Sizes of one input, for example [1, 28, 28].</param>
/// <param name="Min">The value of black, or the lower end of the base distribution.</param>
/// <param name="Max">The value of white, or the upper end of the base distribution.</param>
/// <param name="Variables">What values the numbers take.</param>
/// <param name="Background">The value behind the transparent pixels of a picture; null where there is none: then such pictures are refused.</param>
public sealed record InputSchema(
    InputKind Kind, IReadOnlyList<int> Shape, double Min, double Max,
    // Left out where continuous, so that digests of earlier versions stay.
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] VariableKind Variables = VariableKind.Continuous,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Background = null)
{
    /// <summary>The background as a pixel level, 0 for <see cref="Min"/> to 255 for <see cref="Max"/>.</summary>
    public byte? BackgroundLevel() =>
        Background is { } value
            ? (byte)Math.Round(Math.Clamp((value - Min) / (Max - Min), 0, 1) * 255, MidpointRounding.AwayFromZero) : null;

    /// <summary>Numbers in one input.</summary>
    public int Length() => Shape.Aggregate(1, (product, size) => checked(product * size));
}
