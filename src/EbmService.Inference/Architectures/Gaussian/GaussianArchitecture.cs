using EbmService.Core.Models;
using EbmService.Inference.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Gaussian;

/// <summary>E(x) = (x - mean)' P (x - mean) / 2 with precision matrix P; exact moments and log Z: a test oracle.</summary>
/// <param name="Precision">Row-major symmetric positive-definite matrix.</param>
public sealed record GaussianSpec(IReadOnlyList<double> Mean, IReadOnlyList<IReadOnlyList<double>> Precision) : ArchitectureSpec;

/// <inheritdoc cref="GaussianSpec"/>
internal sealed class GaussianArchitecture : Architecture<GaussianSpec>
{
    public override string Kind => "gaussian";

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
        [new("correlated", new GaussianSpec([0.5, -0.5], [[2, 0.5], [0.5, 1]]), new InputSchema(InputKind.Vector, [2], -5, 5))];

    protected override IEnumerable<string> Faults(GaussianSpec spec, InputSchema input)
    {
        if (VectorFault(input) is { } fault)
            yield return fault;
        else if (!IsProper(spec, input.Shape[0]))
            yield return $"gaussian needs a mean and a symmetric positive-definite precision of the input's size, at most {ModelLimits.MaxGaussianDimension}";
    }

    protected override IEnergyModel Create(GaussianSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new GaussianEnergy(spec, device);

    private static bool IsProper(GaussianSpec gaussian, int size) =>
        size <= ModelLimits.MaxGaussianDimension
        && gaussian.Mean.Count == size && gaussian.Mean.All(double.IsFinite)
        && gaussian.Precision.Count == size && gaussian.Precision.All(row => row is not null && row.Count == size)
        && CholeskyFactor.Exists(gaussian.Precision);
}
