using System.Text.Json.Serialization;
using EbmService.Api.Inputs;
using EbmService.Core.Evaluation;

namespace EbmService.Api.Evaluation;

/// <summary>Energies, one result per input, in order.</summary>
public sealed record EnergyResponse(string Model, string Version, string Digest, IReadOnlyList<EnergyResult> Results);

/// <param name="Energy">E(x), lower = more likely; null when it is no finite number.</param>
/// <param name="Gradient">dE/dx shaped like the input; present when asked for.</param>
public sealed record EnergyResult(
    float? Energy, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] NestedNumbers? Gradient);

/// <summary>Class probabilities, one result per input, in order.</summary>
public sealed record ClassifyResponse(string Model, string Version, string Digest, IReadOnlyList<ClassifyResult> Results);

/// <param name="Label">The name of the most probable class.</param>
/// <param name="LabelIndex">Its index, as the sampling spec's <c>label</c> takes it.</param>
/// <param name="Probabilities">p(y | x) in the order of the model's labels.</param>
/// <param name="Energy">E(x), lower = more likely; null when it is no finite number.</param>
public sealed record ClassifyResult(string Label, int LabelIndex, IReadOnlyList<float?> Probabilities, float? Energy);

/// <summary>Out-of-distribution answers, one result per input, in order.</summary>
/// <param name="Score">The score behind the p-values.</param>
/// <param name="Alpha">The false-positive rate of the verdicts.</param>
/// <param name="CalibrationId">The calibration behind the p-values; null where the version has none.</param>
public sealed record OodResponse(
    string Model, string Version, string Digest, string? Score, double Alpha, string? CalibrationId, IReadOnlyList<OodResult> Results);

/// <param name="Scores">Every score by name; higher = more in-distribution.</param>
/// <param name="PValue">Near 0 = out of distribution; null without a calibration.</param>
public sealed record OodResult(IReadOnlyDictionary<string, float?> Scores, double? PValue, OodVerdict Verdict);
