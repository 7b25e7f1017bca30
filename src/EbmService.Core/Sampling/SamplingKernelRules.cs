using EbmService.Core.Failures;
using EbmService.Core.Models;
using static EbmService.Core.Sampling.SamplingSpecValidator;

namespace EbmService.Core.Sampling;

/// <summary>What holds for a kernel, its settings, tempering, stop rules and what is kept.</summary>
internal static class SamplingKernelRules
{
    private const int MaxReplicas = 32;
    private const int MaxLeapfrogSteps = 1000;
    private const int MaxRows = 8192;

    internal static void Check(SamplingRequest request, SamplingSpec spec, HostedModel model, List<FieldError> errors)
    {
        if (CapabilityRules.Refuse(model, spec.Kernel, "spec.kernel") is { } refusal)
            errors.Add(refusal);
        CheckUnused(request, spec.Kernel, errors);
        CheckSettings(spec, errors);
        CheckTempering(spec, errors);
        CheckStop(spec, errors);
        Require(errors, spec.Warmup >= 0 && spec.Warmup < Math.Max(1, spec.Steps), "warmup", "must be at least 0 and below steps.");
        Require(errors, spec.ScheduleSteps >= 1 || spec.Steps < 1, "scheduleSteps", "must be at least 1.");
        Require(errors, spec.Thin is null || (spec.Thin >= 1 && spec.Thin <= spec.Steps - spec.Warmup), "thin", "must be between 1 and the steps after the warm-up.");
    }

    /// <summary>A member that the kernel would ignore is an error: the client believes that it does something.</summary>
    private static void CheckUnused(SamplingRequest request, SamplingKernel kernel, List<FieldError> errors)
    {
        string name = System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(kernel.ToString());
        void Unused(bool given, string field, bool used) =>
            Require(errors, !given || used, field, $"has no meaning for kernel {name}: leave it out.");
        Unused(request.Hmc is not null, "hmc", kernel == SamplingKernel.Hmc);
        Unused(request.Mala is not null, "mala", kernel == SamplingKernel.Mala);
        Unused(request.Underdamped is not null, "underdamped", kernel == SamplingKernel.Underdamped);
        Unused(request.Preconditioner is not null, "preconditioner", kernel == SamplingKernel.PreconditionedSgld);
        Unused(request.Order is UpdateOrder.NoiseFirst, "order", kernel == SamplingKernel.Sgld);
        Unused(request.GradientClip is { Kind: not GradientClipKind.None }, "gradientClip", kernel is SamplingKernel.Sgld or SamplingKernel.PreconditionedSgld);
        Unused(request.StateClamp is { Kind: not StateClampKind.None }, "stateClamp", !kernel.IsDiscrete());
        Unused(request.Schedule is { Kind: not ScheduleKind.Constant }, "schedule", !kernel.IsDiscrete());
        Require(errors, request.Noise is null || kernel == SamplingKernel.Sgld, "noise", $"has no meaning for kernel {name}: give a temperature.");
    }

    private static void CheckSettings(SamplingSpec spec, List<FieldError> errors)
    {
        Require(errors, spec.Hmc?.LeapfrogSteps is null or (>= 1 and <= MaxLeapfrogSteps), "hmc.leapfrogSteps", $"must be between 1 and {MaxLeapfrogSteps}.");
        Require(errors, spec.Hmc?.TargetAcceptance is null or (> 0 and < 1), "hmc.targetAcceptance", "must be above 0 and below 1.");
        Require(errors, spec.Mala?.TargetAcceptance is null or (> 0 and < 1), "mala.targetAcceptance", "must be above 0 and below 1.");
        Require(errors, spec.Underdamped?.Friction is null or (> 0 and <= 1e6), "underdamped.friction", "must be above 0 and at most 1e6.");
        Require(errors, spec.Preconditioner?.Decay is null or (>= 0 and < 1), "preconditioner.decay", "must be at least 0 and below 1.");
        Require(errors, spec.Preconditioner?.Epsilon is null or (> 0 and <= 1e6), "preconditioner.epsilon", "must be above 0 and at most 1e6.");
        Require(errors, !spec.Kernel.IsExact() || spec.Temperature is null or > 0, "temperature", "must be above 0 for a kernel that accepts and rejects.");
    }

    private static void CheckTempering(SamplingSpec spec, List<FieldError> errors)
    {
        if (spec.Tempering is not { } tempering)
            return;
        IReadOnlyList<double> ladder = tempering.Temperatures;
        Require(errors, !spec.Kernel.IsDiscrete(), "tempering", "works with the continuous kernels only.");
        Require(errors, spec.Temperature is > 0, "tempering", "needs a temperature above 0 instead of a noise.");
        bool ascends = ladder.Count is >= 2 and <= MaxReplicas && ladder[0] == 1 && ladder.Zip(ladder.Skip(1)).All(pair => pair.First < pair.Second) && ladder[^1] <= 1e6;
        Require(errors, ascends, "tempering.temperatures", $"must be 2 to {MaxReplicas} ascending factors that begin with 1.");
        double hottest = Math.Sqrt(2 * spec.StepSize * (spec.Temperature ?? 0) * (ladder.Count > 0 ? ladder[^1] : 1));
        Require(errors, !ascends || hottest <= float.MaxValue, "tempering.temperatures", "times temperature and stepSize give a noise beyond float32.");
        Require(errors, tempering.SwapEvery >= 1, "tempering.swapEvery", "must be at least 1.");
        Require(errors, (long)spec.BlockSize * ladder.Count <= MaxRows, "blockSize", $"times the number of temperatures must be at most {MaxRows}.");
    }

    private static void CheckStop(SamplingSpec spec, List<FieldError> errors)
    {
        if (spec.Stop is not { } stop)
            return;
        Require(errors, stop != new StopRules(), "stop", "needs untilEss, untilRHat or deadlineSeconds.");
        Require(errors, stop.UntilEss is null or (> 0 and <= 1e9), "stop.untilEss", "must be above 0 and at most 1e9.");
        Require(errors, stop.UntilRHat is null or (> 1 and <= 100), "stop.untilRHat", "must be above 1 and at most 100.");
        Require(errors, stop.CheckEvery is null or >= 1, "stop.checkEvery", "must be at least 1.");
        Require(errors, stop.CheckEvery is null || stop is not { UntilEss: null, UntilRHat: null }, "stop.checkEvery", "needs untilEss or untilRHat.");
        bool fires = stop.CheckEvery is null || stop.CheckEvery < spec.Steps || spec.Steps < 1;
        Require(errors, fires || errors.Exists(error => error.Field.StartsWith("spec.stop", StringComparison.Ordinal)), "stop.checkEvery", $"must be below the {spec.Steps} steps (100 by default): the rule would never be judged.");
        Require(errors, stop.DeadlineSeconds is null or (> 0 and <= 1e9), "stop.deadlineSeconds", "must be above 0 and at most 1e9.");
    }
}
