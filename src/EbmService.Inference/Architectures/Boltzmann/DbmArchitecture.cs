using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Models;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// A deep Boltzmann machine (Salakhutdinov and Hinton 2009) of binary units: visible v and hidden layers h1 to hL, each coupled to its neighbours alone;
/// E(v, h) = -b.v - sum_l c_l.h_l - h1 W1 v - sum_l h_{l+1} W_{l+1} h_l. Served is that energy of the joint state, as the hidden layers can't be summed
/// out: an input is a flat row of all units, visible ones first.
/// </summary>
/// <param name="Hidden">Units of each hidden layer, from the one next to the visible units on; two layers at least.</param>
/// <param name="VisibleShape">Of the visible part, for example [1, 28, 28] for an image; null for a plain vector.</param>
public sealed record DbmSpec(IReadOnlyList<int> Hidden, IReadOnlyList<int>? VisibleShape = null) : ArchitectureSpec;

/// <inheritdoc cref="DbmSpec"/>
internal sealed class DbmArchitecture : Architecture<DbmSpec>
{
    private const double InitialDeviation = 0.01;

    public override string Kind => "dbm";

    public override TrainingObjective Objective => TrainingObjective.MaximumLikelihood;

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("two-layers", new DbmSpec([3, 2]), new InputSchema(InputKind.Vector, [9], 0, 1, VariableKind.Binary)),
        new("image", new DbmSpec([6, 4], [1, 4, 4]), new InputSchema(InputKind.Vector, [26], 0, 1, VariableKind.Binary)),
        new("three-layers", new DbmSpec([3, 2, 2]), new InputSchema(InputKind.Vector, [11], 0, 1, VariableKind.Binary)),
    ];

    protected override IReadOnlyList<VariableKind> Variables => [VariableKind.Binary];

    protected override ModelCapabilities Describe(DbmSpec spec, InputSchema input, ModelCapabilities common)
    {
        int visible = (int)VisibleUnits(spec, input);
        var latents = new List<LatentPart>();
        foreach ((int i, int units) in spec.Hidden.Index())
            latents.Add(new($"h{i + 1}", i == 0 ? visible : latents[^1].Offset + latents[^1].Length, units));
        return common with
        {
            BlockConditionals = true, AnnealsFromMeans = true, Filters = true, Latents = latents, VisibleShape = spec.VisibleShape ?? [visible], Precisions = [SamplingPrecision.Float32],
        };
    }

    protected override IEnumerable<string> Faults(DbmSpec spec, InputSchema input)
    {
        if (VectorFault(input) is { } fault)
            yield return fault;
        if (spec.Hidden.Count is < 2 or > ModelLimits.MaxLayers)
            yield return $"dbm needs 2 to {ModelLimits.MaxLayers} hidden layers, not {spec.Hidden.Count}: a machine of one is the kind rbm";
        if (spec.Hidden.Any(units => units < 1))
            yield return "dbm has a hidden layer without units";
        long visible = VisibleUnits(spec, input);
        if (visible < 1)
            yield return "dbm takes rows of visible and hidden units, and its hidden layers leave no number of the input visible";
        else if (spec.VisibleShape is { } shape && (shape.Any(size => size < 1) || Product(shape) != visible))
            yield return $"dbm's visibleShape [{string.Join(", ", shape)}] is not of the {visible} numbers that its hidden layers leave visible";
    }

    /// <remarks>visible.bias (visible), and of each hidden layer l, from 1: layerL.weight (units, units below) and layerL.bias (units).</remarks>
    protected override ArchitectureShapes Shapes(DbmSpec spec, InputSchema input)
    {
        long below = VisibleUnits(spec, input);
        Require(below >= 1 && spec.Hidden.All(units => units >= 1), "has a layer without units");
        var shapes = new Dictionary<string, long[]> { ["visible.bias"] = [below] };
        foreach ((int i, int units) in spec.Hidden.Index())
        {
            shapes[DbmEnergy.WeightOf(i + 1)] = [units, below];
            shapes[DbmEnergy.BiasOf(i + 1)] = [units];
            below = units;
        }
        return new ArchitectureShapes(shapes, 2L * input.Length());
    }

    /// <summary>Weights from N(0, 0.01^2), biases 0, as of a restricted machine.</summary>
    public override IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator) =>
        Shapes(spec, input).Parameters.ToDictionary(
            pair => pair.Key,
            pair => (pair.Value.Length == 2 ? empty(pair.Value).normal_(0, InitialDeviation, generator) : zeros(pair.Value)).DetachFromDisposeScope());

    protected override IEnergyModel Create(DbmSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) => new DbmEnergy(parameters);

    private static long VisibleUnits(DbmSpec spec, InputSchema input) => Product(input.Shape) - spec.Hidden.Sum(units => (long)units);

    private static long Product(IEnumerable<int> shape) => shape.Aggregate(1L, (product, size) => product * size);
}
