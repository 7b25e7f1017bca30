using System.Text.Json.Serialization;
using EbmService.Core.Tensors;

namespace EbmService.Core.Restoration;

/// <summary>What was done to an input x, seen as y.</summary>
public enum DamageKind
{
    /// <summary>Numbers are missing: those where the mask is 1.</summary>
    Mask,

    /// <summary>Rectangles of a picture are missing.</summary>
    Box,

    /// <summary>Half of a picture is missing.</summary>
    Half,

    /// <summary>A share of the numbers, each by chance, became the lower or the upper end of the model's range.</summary>
    SaltAndPepper,

    /// <summary>y = x + sigma n.</summary>
    Noise,

    /// <summary>y = k * x + sigma n: a picture correlated with a kernel, what lies outside of it being the lower end of the range.</summary>
    Blur,

    /// <summary>y = means of factor x factor pixels + sigma n; to be undone by super-resolution.</summary>
    Downsample,

    /// <summary>y = A x + sigma n for any matrix A.</summary>
    Matrix,
}

public enum PictureSide
{
    Left,
    Right,
    Top,
    Bottom,
}

/// <summary>A rectangle of missing pixels.</summary>
/// <param name="Top">Its first row, from 0.</param>
/// <param name="Left">Its first column, from 0.</param>
public sealed record DamageBox(int Top, int Left, int Height, int Width);

/// <summary>How the inputs were damaged: the forward model that restoration inverts. A kind takes its own members and no others.</summary>
public sealed record Damage
{
    public required DamageKind Kind { get; init; }

    /// <value>mask: the shape of one input, 1 where the number is missing, 0 where it is known.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TensorPayload? Mask { get; init; }

    /// <value>box: 1 to 64 rectangles.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<DamageBox>? Boxes { get; init; }

    /// <value>half: the side that is missing.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PictureSide? Side { get; init; }

    /// <value>saltAndPepper: the probability that a number was overwritten, half of them with each end, (0, 1).</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Share { get; init; }

    /// <value>blur: (rows, columns), at most the picture's size; its middle is at row rows / 2, column columns / 2.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TensorPayload? Kernel { get; init; }

    /// <value>downsample: 2 or more, a divisor of height and width.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Factor { get; init; }

    /// <value>matrix: A, (numbers observed, numbers of an input).</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TensorPayload? Matrix { get; init; }

    /// <value>
    /// The noise's standard deviation in units of the input, above 0. Needed by noise, blur, downsample and matrix. With mask, box and half the
    /// known numbers are then noisy instead of exact. With saltAndPepper, for continuous variables, the width that an overwritten number's place is smeared over: a twentieth of the range by default.
    /// </value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Sigma { get; init; }

    /// <value>Whether numbers are missing.</value>
    [JsonIgnore]
    public bool HasMissing => Kind is DamageKind.Mask or DamageKind.Box or DamageKind.Half;

    /// <value>Whether all that is known is known exactly, so that the model's chains with fixed numbers sample the posterior.</value>
    [JsonIgnore]
    public bool IsExact => HasMissing && Sigma is null;

    /// <summary>The shape of y for inputs of a shape.</summary>
    public IReadOnlyList<int> Observed(IReadOnlyList<int> input) => this switch
    {
        { Kind: DamageKind.Downsample, Factor: { } factor } => [input[0], input[1] / factor, input[2] / factor],
        { Kind: DamageKind.Matrix, Matrix: { } matrix } => [matrix.Shape[0]],
        _ => input,
    };

    /// <summary>true where a number of an input is missing; nowhere for kinds without a mask.</summary>
    public bool[] Missing(IReadOnlyList<int> shape)
    {
        var missing = new bool[shape.Aggregate(1, (product, size) => product * size)];
        if (Kind == DamageKind.Mask)
            return [.. Mask!.Values.Select(value => value == 1)];
        if (!HasMissing)
            return missing;
        (int height, int width) = (shape[1], shape[2]);
        IReadOnlyList<DamageBox> boxes = Kind == DamageKind.Box ? Boxes! : [Side switch
        {
            PictureSide.Left => new DamageBox(0, 0, height, width / 2),
            PictureSide.Right => new DamageBox(0, width - width / 2, height, width / 2),
            PictureSide.Top => new DamageBox(0, 0, height / 2, width),
            _ => new DamageBox(height - height / 2, 0, height / 2, width),
        }];
        foreach (DamageBox box in boxes)
        {
            for (int row = 0; row < shape[0] * box.Height; row++)
            {
                int start = (row / box.Height * height + box.Top + row % box.Height) * width + box.Left;
                missing.AsSpan(start, box.Width).Fill(true);
            }
        }
        return missing;
    }
}
