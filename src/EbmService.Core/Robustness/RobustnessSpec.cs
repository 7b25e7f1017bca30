using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Robustness;

/// <summary>A validated robustness job with every default filled in; immutable.</summary>
public sealed record RobustnessSpec : JobSpec
{
    public const string InputsFile = "inputs.npy";
    public const string InputsField = "spec.inputs";

    [JsonIgnore]
    public override string Type => RobustnessJob.Name;

    [JsonPropertyName("inputs")]
    public required RowsSpec Rows { get; init; }

    public required AttackMethod Method { get; init; }

    public required AttackNorm Norm { get; init; }

    /// <value>As if the model's range were [0, 1], ascending.</value>
    public required IReadOnlyList<double> Radii { get; init; }

    public required int Steps { get; init; }

    /// <value>As a share of the radius.</value>
    public required double StepSize { get; init; }

    public required int Restarts { get; init; }

    public required bool RandomStart { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RefinementSpec? Refinement { get; init; }

    public required long Seed { get; init; }

    public required int BlockSize { get; init; }

    /// <value>Whether a second model, by the role source, makes examples that are tried on the first.</value>
    public required bool Transfer { get; init; }

    /// <value>What is attacked, in this order; a curve of the result each.</value>
    [JsonIgnore]
    public IReadOnlyList<AttackCurve> Curves =>
    [
        AttackCurve.Direct,
        .. Refinement is null ? [] : (AttackCurve[])[AttackCurve.Refined],
        .. Transfer ? [AttackCurve.Source, AttackCurve.Transfer] : (AttackCurve[])[],
    ];

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs => Rows.Inputs(InputsField);
}

/// <summary>How a classifier refines its inputs; immutable.</summary>
/// <param name="Chain">The chain's numbers, its steps among them.</param>
/// <param name="Chains">Averaged by the classifier, and by the attacker.</param>
public sealed record RefinementSpec(SgldRecipe Chain, int Chains, RefinementGradient Gradient);

/// <summary>Which classifier is attacked how.</summary>
public enum AttackCurve
{
    /// <summary>The model's classifier, with its own gradient.</summary>
    Direct,

    /// <summary>The model's classifier after refinement, with the gradient of both.</summary>
    Refined,

    /// <summary>The source's classifier, with its own gradient.</summary>
    Source,

    /// <summary>The model's classifier, with examples made on the source.</summary>
    Transfer,
}
