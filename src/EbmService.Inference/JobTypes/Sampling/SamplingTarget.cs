using System.Globalization;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>Says in a sentence what a spec's chains sample, for the card.</summary>
internal static class SamplingTarget
{
    /// <param name="spec">The job.</param>
    /// <param name="steps">Steps that the chains did, which a stop rule, a deadline or a cancel may have made fewer.</param>
    /// <param name="model">What the model is like.</param>
    public static string Describe(SamplingSpec spec, int steps, ModelCapabilities model)
    {
        double temperature = spec.ToRecipe().ImpliedTemperatureAt(Math.Max(0, steps - 1), spec.Horizon);
        string shown = temperature.ToString("G4", CultureInfo.InvariantCulture);
        // By the digits shown, as T = s^2 / (2a) is rounded on its way.
        bool temperedHidden = model.TempersHiddenUnits && spec.Kernel == SamplingKernel.BlockedGibbs && shown != "1";
        string target = $"{(temperedHidden ? "sum_h exp(-E(x, h) / T)" : "exp(-E(x) / T)")} at T = {shown}";
        // Where it is a schedule that says T, that is of the last step.
        if (spec.Schedule.Kind != ScheduleKind.Constant || spec.NoiseSchedule.Kind != ScheduleKind.Constant || spec.TemperatureSchedule.Kind != ScheduleKind.Constant)
            target += " (at the last step)";
        if (temperedHidden)
            target += ", which is not exp(-E(x) / T), as hidden units h are tempered too";
        bool box = spec.StateClamp.Kind != StateClampKind.None;
        if (box)
            target += string.Create(CultureInfo.InvariantCulture, $" within [{spec.StateClamp.Min}, {spec.StateClamp.Max}]");
        if (spec.Precision == SamplingPrecision.Bfloat16)
            target += ", E with hidden layers in bfloat16 and a last layer of float32 weights summed in float64";
        if (spec.Held is not null)
            target += " given the held part";
        string how = spec.Kernel.IsExact()
            ? ", in the limit of many steps exactly, as moves are accepted and rejected or drawn from conditionals"
            : ", up to a bias of the step size, as moves are not corrected";
        bool bent = spec.GradientClip.Kind != GradientClipKind.None || (box && !spec.Kernel.IsExact());
        return $"{target}{how}{(bent ? "; clips and clamps bend it further" : "")}.";
    }
}
