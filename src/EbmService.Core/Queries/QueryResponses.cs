using System.Text.Json.Serialization;
using EbmService.Core.Json;

namespace EbmService.Core.Queries;

/// <summary>What all answers to short queries share.</summary>
/// <param name="Warnings">What looks wrong with the inputs although they were computed; left out where nothing does.</param>
public abstract record QueryResponse(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Warnings);

/// <summary>Energies, one result per input, in order.</summary>
public sealed record EnergyResponse(string Model, string Version, string Digest, IReadOnlyList<EnergyResult> Results, IReadOnlyList<string>? Warnings)
    : QueryResponse(Warnings);

/// <param name="Energy">E(x), lower = more likely; null in a row with an error.</param>
/// <param name="Gradient">dE/dx shaped like the input; present when asked for, but in a row with an error.</param>
/// <param name="Error">Why this input has no answer: a number of it is not finite. Left out otherwise.</param>
public sealed record EnergyResult(
    float? Energy, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] NestedNumbers? Gradient,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error);

/// <summary>Class probabilities, one result per input, in order.</summary>
/// <param name="Temperature">What the logits were divided by, fitted by the calibration; left out where it has none.</param>
public sealed record ClassifyResponse(
    string Model, string Version, string Digest, IReadOnlyList<ClassifyResult> Results, IReadOnlyList<string>? Warnings,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] float? Temperature = null) : QueryResponse(Warnings);

/// <param name="Label">The name of the most probable class; null in a row with an error.</param>
/// <param name="LabelIndex">Its index, as the sampling spec's <c>label</c> takes it; null in a row with an error.</param>
/// <param name="Probabilities">p(y | x) in the order of the model's labels; null where they are not finite.</param>
/// <param name="Energy">E(x), lower = more likely; null where it is no finite number.</param>
/// <param name="Error">Why this input has no answer: a number of it is not finite. Left out otherwise.</param>
/// <param name="Abstained">Whether the p-value is at or below abstainBelow, so that there is no label; left out where that was not asked for.</param>
/// <param name="PValue">Near 0 = out of distribution; left out where abstainBelow was not asked for.</param>
public sealed record ClassifyResult(
    string? Label, int? LabelIndex, IReadOnlyList<float?> Probabilities, float? Energy,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Abstained = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? PValue = null);

/// <summary>Out-of-distribution answers, one result per input, in order.</summary>
/// <param name="Score">The score behind the p-values.</param>
/// <param name="Alpha">The false-positive rate of the verdicts.</param>
/// <param name="CalibrationId">The calibration behind the p-values; null where the version has none.</param>
public sealed record OodResponse(
    string Model, string Version, string Digest, string? Score, double Alpha, string? CalibrationId, IReadOnlyList<OodResult> Results,
    IReadOnlyList<string>? Warnings) : QueryResponse(Warnings);

/// <param name="Scores">Every score by name; higher = more in-distribution; null where it is no finite number.</param>
/// <param name="PValue">Near 0 = out of distribution; null without a calibration and in a row with an error.</param>
/// <param name="Verdict">Null in a row with an error.</param>
/// <param name="Error">Why this input has no answer: a number of it is not finite. Left out otherwise.</param>
/// <param name="AdjustedPValue">
/// The least false discovery rate at which this input would be a discovery, given the others of the batch (Benjamini and Hochberg); left out where that was not asked for.
/// </param>
/// <param name="Discovery">Whether it is one at the asked false discovery rate.</param>
public sealed record OodResult(
    IReadOnlyDictionary<string, float?> Scores, double? PValue, OodVerdict? Verdict,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? AdjustedPValue = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Discovery = null);
