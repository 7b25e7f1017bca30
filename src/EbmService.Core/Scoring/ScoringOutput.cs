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

    private static readonly string[] s_scores = ["logDensity", "approximateMass", "maxProbability", "maxLogit", "negativeEntropy"];

    public static IReadOnlyList<string> All { get; } = [Energy, Logits, .. s_scores, Typicality, PValue];

    /// <summary>Whether it is an OOD score, which a p-value can be of; higher = more in-distribution.</summary>
    public static bool IsScore(string output) => output == Typicality || s_scores.Contains(output);

    public static bool NeedsCalibration(string output) => output is Typicality or PValue;

    /// <summary>What the output needs of a model. All scores come of one pass with gradient.</summary>
    public static IReadOnlyList<ModelCapability> Needs(string output) => output switch
    {
        Energy => [],
        Logits => [ModelCapability.Classes],
        "maxProbability" or "maxLogit" or "negativeEntropy" => [ModelCapability.Differentiable, ModelCapability.Classes],
        _ => [ModelCapability.Differentiable],
    };

    /// <summary>The outputs that the model has.</summary>
    public static IEnumerable<string> Of(HostedModel model) => All.Where(output =>
        CapabilityRules.Allows(model.Capabilities, Needs(output)) && (model.CalibrationId is not null || !NeedsCalibration(output)));
}
