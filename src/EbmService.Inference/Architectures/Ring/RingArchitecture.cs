using EbmService.Core.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Ring;

/// <summary>E(x) = (|x| - radius)^2 / (2 width^2) over the plane or a space: a ring or shell; a test oracle.</summary>
public sealed record RingSpec(double Radius = 2, double Width = 0.2) : ArchitectureSpec;

/// <inheritdoc cref="RingSpec"/>
internal sealed class RingArchitecture : Architecture<RingSpec>
{
    public override string Kind => "ring";

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
        [new("shell", new RingSpec(2, 0.5), new InputSchema(InputKind.Vector, [3], -3, 3))];

    protected override IEnumerable<string> Faults(RingSpec spec, InputSchema input)
    {
        if (VectorFault(input) is { } fault)
            yield return fault;
        else if (!(IsPositive(spec.Radius) && IsPositive(spec.Width)))
            yield return "ring needs radius and width above 0";
    }

    protected override IEnergyModel Create(RingSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new RingEnergy(spec);
}
