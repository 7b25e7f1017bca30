using EbmService.Core.Calibration;
using EbmService.Core.Models;

namespace EbmService.Core.Scoring;

/// <summary>Names of the outputs that a scoring job can be asked for, and what each needs of a model.</summary>
public static class ScoringOutput
{
    public const string Energy = "energy";
    public const string Logits = "logits";
    public const string PValue = "pValue";

    /// <summary>The OOD score that needs a calibration.</summary>
    public const string Typicality = "typicality";

    /// <summary>The score that puts others together; needs a calibration that fits it.</summary>
    public const string Combined = "combined";

    private static readonly string[] s_chains = ["chainDisplacement", "energyDrop"];

    private static readonly string[] s_scores = ["logDensity", "approximateMass", "maxProbability", "maxLogit", "negativeEntropy", .. s_chains];

    private static readonly string[] s_fitted =
    [
        Typicality, "mahalanobis", "relativeMahalanobis", "nearestNeighbour", "virtualLogit", "classDensity", "clippedFeatures", Combined,
    ];

    public static IReadOnlyList<string> All { get; } = [Energy, Logits, .. s_scores, .. s_fitted, PValue];

    /// <summary>Whether it is an OOD score, which a p-value can be of; higher = more in-distribution.</summary>
    public static bool IsScore(string output) => s_fitted.Contains(output) || s_scores.Contains(output);

    /// <summary>Whether it takes several steps of a chain, where the others take one pass.</summary>
    public static bool IsOfChains(string output) => s_chains.Contains(output);

    public static bool NeedsCalibration(string output) => output == PValue || s_fitted.Contains(output);

    /// <summary>What the output needs of a model. All scores come of one pass with gradient.</summary>
    public static IReadOnlyList<ModelCapability> Needs(string output) => output switch
    {
        Energy => [],
        Logits => [ModelCapability.Classes],
        "maxProbability" or "maxLogit" or "negativeEntropy" or "relativeMahalanobis" or "clippedFeatures" => [ModelCapability.Differentiable, ModelCapability.Classes],
        _ => [ModelCapability.Differentiable],
    };

    /// <summary>The score that is meant where a request names none: the model's own choice, or the log-density where that needs a calibration that it has not.</summary>
    public static string DefaultScore(HostedModel model) =>
        IsThere(model, model.Descriptor!.OodScore) ? model.Descriptor.OodScore : "logDensity";

    /// <summary>The outputs that the model has by the calibration that came with it.</summary>
    public static IEnumerable<string> Of(HostedModel model) => All.Where(output =>
        CapabilityRules.Allows(model.Capabilities, Needs(output)) && IsThere(model, output));

    /// <summary>The outputs that the model has by a calibration.</summary>
    public static IEnumerable<string> Of(HostedModel model, CalibrationChoice calibration) => All.Where(output =>
        CapabilityRules.Allows(model.Capabilities, Needs(output)) && calibration.Has(output));

    private static bool IsThere(HostedModel model, string output) =>
        !NeedsCalibration(output) || (output == PValue ? model.CalibrationId is not null : model.CalibratedScores.Contains(output));
}
