using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Editing;

/// <summary>What is done to an input.</summary>
public enum EditingOperation
{
    /// <summary>Descends E(x, y) of the target class from the input, within a leash.</summary>
    Morph,

    /// <summary>
    /// Looks for the least change, in L2, that makes the class the target's with the wanted confidence: descends -log p(y | x) and a share of E(x),
    /// halves the way back to the input, and goes on from there. What is found is checked; that nothing nearer exists is not.
    /// </summary>
    Counterfactual,

    /// <summary>Descends E(x) from the input, within a leash: to the nearest place that the model finds likely (reconstruction).</summary>
    Project,
}

/// <summary>What a client asks.</summary>
public sealed record EditingRequest
{
    public RowsSource? Inputs { get; init; }

    /// <value>morph by default where there is a target, else project.</value>
    public EditingOperation? Operation { get; init; }

    /// <value>The class to go to, of all rows. Morphs need one; counterfactuals without one go to the second most likely class.</value>
    public int? Target { get; init; }

    /// <value>A class for each row, in place of target.</value>
    public IReadOnlyList<int>? Targets { get; init; }

    /// <value>Steps, 1 to the server's limit; 100 by default.</value>
    public int? Steps { get; init; }

    /// <value>What a gradient is multiplied by; that of the model's default recipe by default.</value>
    public double? StepSize { get; init; }

    /// <value>The bound on gradients; that of the model's default recipe by default.</value>
    public GradientClip? GradientClip { get; init; }

    /// <value>The farthest that a row may go from its input, in L2; none by default.</value>
    public double? Leash { get; init; }

    /// <value>Counterfactuals: how sure the model must be of the target's class, above 0 and below 1; 0.5 by default. The class is the most likely one in any case.</value>
    public double? Confidence { get; init; }

    /// <value>Counterfactuals: the weight of E(x) beside -log p(y | x), at least 0: more keeps the change likely; 0.1 by default.</value>
    public double? EnergyWeight { get; init; }

    /// <value>Whether numbers may lie outside the model's range; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }

    /// <value>Rows that are scheduled and stored together, 1 to 1024; 32 by default.</value>
    public int? BlockSize { get; init; }
}

/// <summary>A validated editing job with every default filled in; immutable.</summary>
public sealed record EditingSpec : JobSpec
{
    public const string InputsFile = "inputs.npy";

    [JsonIgnore]
    public override string Type => EditingJob.Name;

    [JsonPropertyName("inputs")]
    public required RowsSpec Rows { get; init; }

    public required EditingOperation Operation { get; init; }

    public int? Target { get; init; }

    public IReadOnlyList<int>? Targets { get; init; }

    public required int Steps { get; init; }

    public required double StepSize { get; init; }

    public required GradientClip GradientClip { get; init; }

    public double? Leash { get; init; }

    public double? Confidence { get; init; }

    public double? EnergyWeight { get; init; }

    public required int BlockSize { get; init; }

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs => [Rows.ToInput("spec.inputs")];
}
