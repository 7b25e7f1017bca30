using EbmService.Core.Models;

namespace EbmService.Inference.Models;

/// <summary>What an architecture asks of its input, and of its own numbers.</summary>
internal static class ArchitectureInputRules
{
    public static IEnumerable<string> Faults(ArchitectureSpec architecture, InputSchema input) =>
        [.. VariableFaults(architecture, input), .. ShapeFaults(architecture, input)];

    private static IEnumerable<string> VariableFaults(ArchitectureSpec architecture, InputSchema input)
    {
        if (input.Variables != VariableKind.Continuous && (input.Min != 0 || input.Max != 1))
            yield return "binary and categorical variables need input min 0 and max 1";
        VariableKind[] taken = architecture switch
        {
            IsingArchitecture => [VariableKind.Binary],
            PottsArchitecture => [VariableKind.Categorical],
            ConvolutionalJemArchitecture or MlpArchitecture => [VariableKind.Continuous, VariableKind.Binary],
            _ => [VariableKind.Continuous],
        };
        if (!taken.Contains(input.Variables))
            yield return $"architecture takes {string.Join(" or ", taken).ToLowerInvariant()} variables, but the input's are {input.Variables.ToString().ToLowerInvariant()}";
    }

    private static IEnumerable<string> ShapeFaults(ArchitectureSpec architecture, InputSchema input) => architecture switch
    {
        ConvolutionalJemArchitecture => [],
        IsingArchitecture ising => IsingFaults(ising, input),
        PottsArchitecture potts => PottsFaults(potts, input),
        _ when input.Kind != InputKind.Vector => ["architecture takes vectors, but the input is an image"],
        _ when input.Shape.Count != 1 => ["architecture takes vectors of one size"],
        GaussianArchitecture gaussian when !IsProper(gaussian, input.Shape[0]) =>
            [$"gaussian needs a mean and a symmetric positive-definite precision of the input's size, at most {ModelLimits.MaxGaussianDimension}"],
        DoubleWellArchitecture well when !(IsPositive(well.Barrier) && IsPositive(well.Wells)) => ["double-well needs barrier and wells above 0"],
        RingArchitecture ring when !(IsPositive(ring.Radius) && IsPositive(ring.Width)) => ["ring needs radius and width above 0"],
        _ => [],
    };

    private static IEnumerable<string> IsingFaults(IsingArchitecture ising, InputSchema input)
    {
        if (input.Shape.Count < 2 || input.Shape.SkipLast(2).Any(size => size != 1))
            yield return "ising needs an input of shape (height, width), or an image of one channel";
        if (!double.IsFinite(ising.Coupling) || !double.IsFinite(ising.Field))
            yield return "ising needs a finite coupling and field";
    }

    private static IEnumerable<string> PottsFaults(PottsArchitecture potts, InputSchema input)
    {
        if (input.Kind != InputKind.Vector || input.Shape.Count != 2 || input.Shape[0] < 3 || input.Shape[1] < 2)
            yield return "potts needs an input of shape (variables, categories), at least (3, 2)";
        else if (potts.Field is { Count: > 0 } field && field.Count != input.Shape[1])
            yield return "potts needs one field per category, or none";
        if (!double.IsFinite(potts.Coupling) || potts.Field?.All(double.IsFinite) == false)
            yield return "potts needs a finite coupling and field";
    }

    private static bool IsPositive(double value) => value is > 0 and < double.PositiveInfinity;

    private static bool IsProper(GaussianArchitecture gaussian, int size) =>
        size <= ModelLimits.MaxGaussianDimension
        && gaussian.Mean.Count == size && gaussian.Mean.All(double.IsFinite)
        && gaussian.Precision.Count == size && gaussian.Precision.All(row => row is not null && row.Count == size)
        && CholeskyFactor.Exists(gaussian.Precision);
}
