using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

internal static class SamplingSpecValidator
{
    internal static List<FieldError> Check(
        SamplingRequest request, SamplingSpec spec, HostedModel model, SamplingPolicy policy)
    {
        var errors = new List<FieldError>();
        CheckSize(spec, model, policy, errors);
        CheckRecipe(request, spec, errors);
        CheckLabels(request, spec, model, errors);
        SamplingStartRules.Check(spec, model, policy, errors);
        SamplingKernelRules.Check(request, spec, model, errors);
        if (spec.Precision == SamplingPrecision.Bfloat16
            && CapabilityRules.Refuse(model, "spec.precision", "This precision", "use float32", ModelCapability.Bfloat16) is { } refusal)
            errors.Add(refusal);
        return errors;
    }

    private static void CheckSize(SamplingSpec spec, HostedModel model, SamplingPolicy policy, List<FieldError> errors)
    {
        Require(errors, spec.Chains >= 1, "chains", "must be at least 1.");
        Require(errors, spec.Seed is >= 0 and <= SamplingSpecFactory.MaxSeed, "seed", "must be between 0 and 2^53 - 1.");
        Require(errors, spec.BlockSize is >= 1 and <= SamplingSpecFactory.MaxBlockSize,
            "blockSize", $"must be between 1 and {SamplingSpecFactory.MaxBlockSize}.");
        Require(errors, spec.PreviewEvery >= 0, "previewEvery", "must be 0 (no previews) or a number of steps.");
        errors.AddRange(CheckLimits(spec, model, policy));
    }

    /// <summary>Only this server's limits on the job's size.</summary>
    internal static List<FieldError> CheckLimits(SamplingSpec spec, HostedModel model, SamplingPolicy policy)
    {
        var errors = new List<FieldError>();
        Limit(errors, spec.Chains <= policy.MaxChains, "chains", $"{spec.Chains} chains are over this server's limit of {policy.MaxChains}.");
        Limit(errors, spec.Steps <= policy.MaxSteps, "steps", $"{spec.Steps} steps are over this server's limit of {policy.MaxSteps}.");
        int length = model.Descriptor!.Input.Length();
        double numbers = (double)spec.Chains * length * (1 + (spec.Thin is >= 1 ? (spec.Steps - spec.Warmup) / spec.Thin.Value : 0));
        Limit(errors, numbers <= policy.MaxResultNumbers, spec.Thin is null ? "chains" : "thin",
            $"chains x kept states x input size is {numbers:G3} numbers, over this server's limit of {policy.MaxResultNumbers:G3} for one result: ask for fewer chains, or a larger thin.");
        double cost = (double)spec.Chains * length * spec.Steps * spec.Replicas * (spec.Hmc?.LeapfrogSteps ?? 1);
        Limit(errors, cost <= policy.MaxElementSteps, "steps",
            $"gradients x input size is {cost:G3}, over this server's limit of {policy.MaxElementSteps:G3}: ask for fewer chains, steps, temperatures or leapfrog steps.");
        return errors;
    }

    private static void CheckRecipe(SamplingRequest request, SamplingSpec spec, List<FieldError> errors)
    {
        Require(errors, request.Noise is null || request.Temperature is null,
            "noise", "and temperature exclude each other: give one (temperature sets the noise to sqrt(2 * stepSize * temperature)).");
        // The schedules' extremes lie within their own length.
        foreach ((string member, string rule) in SgldRecipeRules.Faults(spec.ToRecipe() with { Steps = Math.Min(spec.Steps, spec.Horizon) }))
            Require(errors, false, member, rule);
    }

    private static void CheckLabels(SamplingRequest request, SamplingSpec spec, HostedModel model, List<FieldError> errors)
    {
        int classes = model.Descriptor!.Labels.Count;
        Require(errors, request.Label is null || request.Labels is null, "label", "and labels exclude each other: give one.");
        Require(errors, request.Labels is null or { Count: > 0 and <= 1024 }, "labels", "must have 1 to 1024 entries.");
        if (spec.Labels.Count > 0 && CapabilityRules.Refuse(model, "spec.label", "A label", "leave it out", ModelCapability.Classes) is { } refusal)
            errors.Add(refusal);
        else
            Require(errors, spec.Labels.All(label => label >= 0 && label < classes),
                request.Label is null ? "labels" : "label", $"must be a class index between 0 and {classes - 1}.");
    }

    internal static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }

    internal static void Limit(List<FieldError> errors, bool holds, string field, string message)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", message, FailureCode.OverPolicy));
    }
}
