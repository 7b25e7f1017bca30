using EbmService.Core.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Ising;

/// <summary>
/// The Ising model on a square lattice of binary variables x (height, width) with free borders, spins s = 2x - 1:
/// E = -coupling sum_neighbours s_i s_j - field sum_i s_i; exact by enumeration up to 4 x 4: a test oracle.
/// </summary>
public sealed record IsingSpec(double Coupling = 0.3, double Field = 0) : ArchitectureSpec;

/// <inheritdoc cref="IsingSpec"/>
internal sealed class IsingArchitecture : Architecture<IsingSpec>
{
    public override string Kind => "ising";

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
        [new("lattice", new IsingSpec(0.3, 0.1), new InputSchema(InputKind.Vector, [3, 3], 0, 1, VariableKind.Binary))];

    protected override IReadOnlyList<VariableKind> Variables => [VariableKind.Binary];

    protected override ModelCapabilities Describe(IsingSpec spec, ModelCapabilities common) => common with { BlockConditionals = true };

    protected override IEnumerable<string> Faults(IsingSpec spec, InputSchema input)
    {
        if (input.Shape.Count < 2 || input.Shape.SkipLast(2).Any(size => size != 1))
            yield return "ising needs an input of shape (height, width), or an image of one channel";
        if (!double.IsFinite(spec.Coupling) || !double.IsFinite(spec.Field))
            yield return "ising needs a finite coupling and field";
    }

    protected override IEnergyModel Create(IsingSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new IsingEnergy(spec);
}
