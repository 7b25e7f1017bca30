using EbmService.Core.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Potts;

/// <summary>
/// The Potts model on a ring of one-hot variables x (variables, categories):
/// E = -coupling sum_i [x_i = x_(i+1)] - sum_i field[x_i]; exact by enumeration of few variables: a test oracle.
/// </summary>
/// <param name="Field">One number per category; empty for none.</param>
public sealed record PottsSpec(double Coupling = 1, IReadOnlyList<double>? Field = null) : ArchitectureSpec;

/// <inheritdoc cref="PottsSpec"/>
internal sealed class PottsArchitecture : Architecture<PottsSpec>
{
    public override string Kind => "potts";

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("field", new PottsSpec(1, [0.3, 0, -0.2]), new InputSchema(InputKind.Vector, [4, 3], 0, 1, VariableKind.Categorical)),
        new("no-field", new PottsSpec(), new InputSchema(InputKind.Vector, [3, 2], 0, 1, VariableKind.Categorical)),
    ];

    protected override IReadOnlyList<VariableKind> Variables => [VariableKind.Categorical];

    protected override IEnumerable<string> Faults(PottsSpec spec, InputSchema input)
    {
        if (input.Kind != InputKind.Vector || input.Shape.Count != 2 || input.Shape[0] < 3 || input.Shape[1] < 2)
            yield return "potts needs an input of shape (variables, categories), at least (3, 2)";
        else if (spec.Field is { Count: > 0 } field && field.Count != input.Shape[1])
            yield return "potts needs one field per category, or none";
        if (!double.IsFinite(spec.Coupling) || spec.Field?.All(double.IsFinite) == false)
            yield return "potts needs a finite coupling and field";
    }

    protected override IEnergyModel Create(PottsSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new PottsEnergy(spec, device);
}
