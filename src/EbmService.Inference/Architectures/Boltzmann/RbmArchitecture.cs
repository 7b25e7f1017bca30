using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Models;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>What the visible units of a Boltzmann machine are.</summary>
public enum VisibleUnits
{
    /// <summary>0 or 1 each.</summary>
    Bernoulli,

    /// <summary>Any number, normal given the hidden units.</summary>
    Gaussian,

    /// <summary>One-hot in the last dimension.</summary>
    Softmax,
}

/// <summary>
/// A restricted Boltzmann machine (Smolensky 1986; Hinton 2002) over v (visible) and h in {0, 1}^hidden; served is the free energy, hidden units summed out:
/// F(v) = -log sum_h exp(-E(v, h)). Bernoulli and
/// softmax units have E = -b.v - c.h - h W v; Gaussian ones (Cho et al. 2011) E = sum (v - b)^2 / (2 s^2) - c.h - h W (v / s^2). With label
/// units (Larochelle and Bengio 2008) E has also -d_y - h U_y for the class y, and the model is a classifier: F(v) = -logsumexp_y -F(v, y).
/// </summary>
/// <param name="Hidden">Hidden units.</param>
/// <param name="Visible">What the input's variables must agree with.</param>
/// <param name="Classes">Label units; 0 for none.</param>
/// <param name="LearnedVariance">Whether Gaussian units have each a variance of their own, else all have 1.</param>
public sealed record RbmSpec(int Hidden, VisibleUnits Visible = VisibleUnits.Bernoulli, int Classes = 0, bool LearnedVariance = false) : ArchitectureSpec;

/// <inheritdoc cref="RbmSpec"/>
internal sealed class RbmArchitecture : Architecture<RbmSpec>
{
    private const double InitialDeviation = 0.01;

    public override string Kind => "rbm";

    public override TrainingObjective Objective => TrainingObjective.MaximumLikelihood;

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("binary", new RbmSpec(6), new InputSchema(InputKind.Vector, [5], 0, 1, VariableKind.Binary)),
        new("image", new RbmSpec(20), new InputSchema(InputKind.Image, [1, 4, 4], 0, 1, VariableKind.Binary)),
        new("labels", new RbmSpec(6, Classes: 3), new InputSchema(InputKind.Vector, [5], 0, 1, VariableKind.Binary)),
        new("softmax", new RbmSpec(4, VisibleUnits.Softmax), new InputSchema(InputKind.Vector, [3, 4], 0, 1, VariableKind.Categorical)),
        new("gaussian", new RbmSpec(6, VisibleUnits.Gaussian), new InputSchema(InputKind.Vector, [4], -3, 3)),
        new("gaussian-variances", new RbmSpec(6, VisibleUnits.Gaussian, Classes: 2, LearnedVariance: true), new InputSchema(InputKind.Vector, [4], -3, 3)),
    ];

    protected override IReadOnlyList<VariableKind> Variables => [VariableKind.Binary, VariableKind.Categorical, VariableKind.Continuous];

    protected override ModelCapabilities Describe(RbmSpec spec, ModelCapabilities common) =>
        common with
        {
            Classes = spec.Classes, BlockConditionals = true, TempersHiddenUnits = true, Filters = true, Precisions = [SamplingPrecision.Float32],
            CentredGradients = spec is { Visible: VisibleUnits.Bernoulli, Classes: 0 }, AnnealsFromMeans = spec is { Visible: VisibleUnits.Bernoulli, Classes: 0 },
        };

    protected override IEnumerable<string> Faults(RbmSpec spec, InputSchema input)
    {
        VariableKind needed = VariablesOf(spec.Visible);
        if (input.Variables != needed)
            yield return $"rbm has {Word(spec.Visible)} units, so its input's variables must be {Word(needed)}, not {Word(input.Variables)}";
        if (spec.LearnedVariance && spec.Visible != VisibleUnits.Gaussian)
            yield return "rbm has variances to learn only where its visible units are gaussian";
    }

    /// <remarks>
    /// weight (hidden, visible), visible.bias (visible), hidden.bias (hidden); with label units label.weight (hidden, classes) and label.bias (classes);
    /// with learned variances visible.logVariance (visible).
    /// </remarks>
    protected override ArchitectureShapes Shapes(RbmSpec spec, InputSchema input)
    {
        Require(spec.Hidden >= 1, "has no hidden units");
        Require(spec.Classes is 0 or (>= 2 and <= ModelLimits.MaxClasses), $"has {spec.Classes} classes; none, or 2 to {ModelLimits.MaxClasses} are allowed");
        long visible = input.Length(), hidden = spec.Hidden;
        var shapes = new Dictionary<string, long[]>
        {
            ["weight"] = [hidden, visible], ["visible.bias"] = [visible], ["hidden.bias"] = [hidden],
        };
        if (spec.Classes > 0)
            (shapes["label.weight"], shapes["label.bias"]) = ([hidden, spec.Classes], [spec.Classes]);
        if (spec.LearnedVariance)
            shapes["visible.logVariance"] = [visible];
        return new ArchitectureShapes(shapes, checked(visible + hidden * Math.Max(1, spec.Classes)));
    }

    /// <summary>Weights from N(0, 0.01^2), everything else 0 (Hinton 2012, section 8).</summary>
    public override IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator) =>
        Shapes(spec, input).Parameters.ToDictionary(
            pair => pair.Key,
            pair => (pair.Key.EndsWith("weight", StringComparison.Ordinal)
                ? empty(pair.Value).normal_(0, InitialDeviation, generator)
                : zeros(pair.Value)).DetachFromDisposeScope());

    protected override IEnergyModel Create(RbmSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) =>
        new RbmEnergy(spec.Visible, parameters);

    private static VariableKind VariablesOf(VisibleUnits units) => units switch
    {
        VisibleUnits.Gaussian => VariableKind.Continuous,
        VisibleUnits.Softmax => VariableKind.Categorical,
        _ => VariableKind.Binary,
    };

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
