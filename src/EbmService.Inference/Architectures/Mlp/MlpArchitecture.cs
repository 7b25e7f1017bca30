using EbmService.Core.Models;
using EbmService.Inference.Models;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Mlp;

/// <summary>A multilayer perceptron with SiLU between layers and one scalar output: the energy of a vector.</summary>
public sealed record MlpSpec(IReadOnlyList<int> Hidden) : ArchitectureSpec;

/// <inheritdoc cref="MlpSpec"/>
internal sealed class MlpArchitecture : Architecture<MlpSpec>
{
    public override string Kind => "mlp";

    public override TrainingObjective Objective => TrainingObjective.MaximumLikelihood;

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("plane", new MlpSpec([16, 16]), new InputSchema(InputKind.Vector, [2], -3, 3)),
        new("no-hidden-layer", new MlpSpec([]), new InputSchema(InputKind.Vector, [3], -3, 3)),
        new("binary", new MlpSpec([8]), new InputSchema(InputKind.Vector, [5], 0, 1, VariableKind.Binary)),
    ];

    public override bool StaysFloat32(ArchitectureSpec spec, string parameter) =>
        parameter.StartsWith($"layers.{((MlpSpec)spec).Hidden.Count}.", StringComparison.Ordinal);

    protected override IReadOnlyList<VariableKind> Variables => [VariableKind.Continuous, VariableKind.Binary];

    protected override ModelCapabilities Describe(MlpSpec spec, ModelCapabilities common) => common with { Features = true };

    protected override IEnumerable<string> Faults(MlpSpec spec, InputSchema input) => VectorFault(input) is { } fault ? [fault] : [];

    /// <remarks>layers.i.weight (outputs, inputs) and layers.i.bias (outputs); the last has one output.</remarks>
    protected override ArchitectureShapes Shapes(MlpSpec spec, InputSchema input)
    {
        Require(spec.Hidden.Count <= ModelLimits.MaxLayers, $"has more than {ModelLimits.MaxLayers} layers");
        Require(spec.Hidden.All(width => width >= 1), "has a layer without width");
        var shapes = new Dictionary<string, long[]>();
        long width = input.Length();
        foreach ((int i, int next) in spec.Hidden.Append(1).Index())
        {
            shapes[$"layers.{i}.weight"] = [next, width];
            shapes[$"layers.{i}.bias"] = [next];
            width = next;
        }
        return new ArchitectureShapes(shapes, spec.Hidden.Aggregate((long)input.Length(), (sum, each) => checked(sum + each)));
    }

    protected override IEnergyModel Create(MlpSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new MlpEnergy(spec, parameters);
}
