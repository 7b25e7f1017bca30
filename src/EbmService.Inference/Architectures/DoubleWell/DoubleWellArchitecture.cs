using EbmService.Core.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.DoubleWell;

/// <summary>E(x) = sum_i barrier (x_i^2 / wells^2 - 1)^2: two modes per dimension at +-wells; a test oracle.</summary>
public sealed record DoubleWellSpec(double Barrier = 1, double Wells = 1) : ArchitectureSpec;

/// <inheritdoc cref="DoubleWellSpec"/>
internal sealed class DoubleWellArchitecture : Architecture<DoubleWellSpec>
{
    public override string Kind => "double-well";

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
        [new("plane", new DoubleWellSpec(2), new InputSchema(InputKind.Vector, [2], -3, 3))];

    protected override IEnumerable<string> Faults(DoubleWellSpec spec, InputSchema input)
    {
        if (VectorFault(input) is { } fault)
            yield return fault;
        else if (!(IsPositive(spec.Barrier) && IsPositive(spec.Wells)))
            yield return "double-well needs barrier and wells above 0";
    }

    protected override IEnergyModel Create(DoubleWellSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new DoubleWellEnergy(spec);
}
