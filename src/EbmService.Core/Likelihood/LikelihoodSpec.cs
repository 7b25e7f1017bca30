using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Rows;

namespace EbmService.Core.Likelihood;

/// <summary>A validated likelihood job with every default filled in; immutable. The rows themselves are a file beside the job.</summary>
public sealed record LikelihoodSpec : JobSpec
{
    public const string RowsFile = "inputs.npy";
    public const string RowsField = "spec.inputs";

    [JsonIgnore]
    public override string Type => LikelihoodJob.Name;

    /// <value>Null where log Z alone is asked for.</value>
    [JsonPropertyName("inputs")]
    public RowsSpec? Rows { get; init; }

    public required int Chains { get; init; }

    public required int Bridges { get; init; }

    public required int Transitions { get; init; }

    public required LikelihoodKernel Kernel { get; init; }

    /// <value>0 for kernels without leapfrogs.</value>
    public int LeapfrogSteps { get; init; }

    /// <value>Null where the pilot finds one for each bridge, and for Gibbs.</value>
    public double? StepSize { get; init; }

    /// <value>Null where the pilot finds it.</value>
    public IReadOnlyList<double>? Ladder { get; init; }

    public required int PilotChains { get; init; }

    public required double Temperature { get; init; }

    public required LikelihoodBase Base { get; init; }

    /// <value>Of the base normal; null for others.</value>
    public double? BaseMean { get; init; }

    public double? BaseDeviation { get; init; }

    public required LikelihoodStart ReverseStart { get; init; }

    public required int ReverseSteps { get; init; }

    public RaiseSettings? Raise { get; init; }

    public int? DequantisationLevels { get; init; }

    public required double Tolerance { get; init; }

    public required double Confidence { get; init; }

    public required long Seed { get; init; }

    public required int BlockSize { get; init; }

    /// <value>Whether a pilot runs before the chains of each block.</value>
    [JsonIgnore]
    public bool NeedsPilot => Ladder is null || (Kernel != LikelihoodKernel.Gibbs && StepSize is null);

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs => Rows?.Inputs(RowsField) ?? [];
}
