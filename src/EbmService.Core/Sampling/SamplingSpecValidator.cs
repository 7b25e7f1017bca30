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
        CheckKernel(request, spec, errors);
        CheckShapes(spec, errors);
        CheckLabels(request, spec, model, errors);
        CheckStart(spec, model, errors);
        return errors;
    }

    private static void CheckSize(SamplingSpec spec, HostedModel model, SamplingPolicy policy, List<FieldError> errors)
    {
        Require(errors, spec.Chains >= 1, "chains", "must be at least 1.");
        Require(errors, spec.Steps >= 1, "steps", "must be at least 1.");
        Require(errors, spec.Seed is >= 0 and <= SamplingSpecFactory.MaxSeed, "seed", "must be between 0 and 2^53 - 1.");
        Require(errors, spec.BlockSize is >= 1 and <= SamplingSpecFactory.MaxBlockSize,
            "blockSize", $"must be between 1 and {SamplingSpecFactory.MaxBlockSize}.");
        Require(errors, spec.PreviewEvery >= 0, "previewEvery", "must be 0 (no previews) or a number of steps.");
        Limit(errors, spec.Chains <= policy.MaxChains, "chains", $"{spec.Chains} chains are over this server's limit of {policy.MaxChains}.");
        Limit(errors, spec.Steps <= policy.MaxSteps, "steps", $"{spec.Steps} steps are over this server's limit of {policy.MaxSteps}.");
        double cost = (double)spec.Chains * spec.Steps * model.Descriptor!.Input.Length();
        Limit(errors, cost <= policy.MaxElementSteps, "steps",
            $"chains x steps x input size is {cost:G3}, over this server's limit of {policy.MaxElementSteps:G3}: ask for fewer chains or steps.");
    }

    private static void CheckKernel(SamplingRequest request, SamplingSpec spec, List<FieldError> errors)
    {
        Require(errors, double.IsFinite(spec.StepSize) && spec.StepSize > 0, "stepSize", "must be a finite number above 0.");
        Require(errors, request.Noise is null || request.Temperature is null,
            "noise", "and temperature exclude each other: give one (temperature sets the noise to sqrt(2 * stepSize * temperature)).");
        Require(errors, spec.Noise is null or (>= 0 and < double.PositiveInfinity), "noise", "must be a finite number of at least 0.");
        Require(errors, spec.Temperature is null or (>= 0 and < double.PositiveInfinity), "temperature", "must be a finite number of at least 0.");
    }

    private static void CheckShapes(SamplingSpec spec, List<FieldError> errors)
    {
        Require(errors, spec.GradientClip.Kind == GradientClipKind.None || spec.GradientClip.Limit is > 0 and < double.PositiveInfinity,
            "gradientClip.limit", "must be a finite number above 0.");
        Require(errors, spec.StateClamp.Kind == StateClampKind.None || spec.StateClamp.Min < spec.StateClamp.Max,
            "stateClamp", "needs min below max.");
        StepSchedule schedule = spec.Schedule;
        Require(errors, schedule.Kind != StepScheduleKind.Polynomial || schedule is { Power: > 0 and <= 1, Offset: > 0 },
            "schedule", "of kind polynomial needs power in (0, 1] and offset above 0.");
        Require(errors, schedule.Kind != StepScheduleKind.Cosine || schedule.End is >= 0 and <= 1,
            "schedule.end", "must be between 0 and 1.");
    }

    private static void CheckLabels(SamplingRequest request, SamplingSpec spec, HostedModel model, List<FieldError> errors)
    {
        int classes = model.Descriptor!.Labels.Count;
        Require(errors, request.Label is null || request.Labels is null, "label", "and labels exclude each other: give one.");
        Require(errors, request.Labels is null or { Count: > 0 and <= 1024 }, "labels", "must have 1 to 1024 entries.");
        if (spec.Labels.Count > 0 && classes == 0)
            errors.Add(new("spec.label", $"The model '{model.Key.Name}' has no classes: leave the label out.", FailureCode.NotSupported));
        else
            Require(errors, spec.Labels.All(label => label >= 0 && label < classes),
                request.Label is null ? "labels" : "label", $"must be a class index between 0 and {classes - 1}.");
    }

    private static void CheckStart(SamplingSpec spec, HostedModel model, List<FieldError> errors)
    {
        Require(errors, spec.FreshShare is >= 0 and <= 1, "freshShare", "must be between 0 and 1.");
        if (spec.Start == ChainStart.Buffer && model.BufferSize == 0)
            errors.Add(new("spec.start", $"The model '{model.Key.Name}' has no replay buffer: use 'base'.", FailureCode.NotSupported));
    }

    private static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }

    private static void Limit(List<FieldError> errors, bool holds, string field, string message)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", message, FailureCode.OverPolicy));
    }
}
