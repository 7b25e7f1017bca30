using System.Globalization;
using EbmService.Core.Sampling;

namespace EbmService.Inference.Tasks;

/// <summary>Says in a sentence what a spec's chains sample, for the card.</summary>
internal static class SamplingTarget
{
    public static string Describe(SamplingSpec spec)
    {
        SgldRecipe recipe = spec.ToRecipe();
        string temperature = recipe.ImpliedTemperatureAt(spec.Steps - 1, spec.Horizon).ToString("G4", CultureInfo.InvariantCulture);
        string target = $"exp(-E(x) / T) at T = {temperature}";
        if (spec.Stop?.UntilEss is not null || spec.Stop?.UntilRHat is not null)
            target += " (at the schedules' last step)";
        string how = spec.Kernel.IsExact()
            ? "in the limit of many steps exactly, as moves are accepted and rejected"
            : "up to a bias of the step size, as moves are not corrected";
        bool bent = spec.GradientClip.Kind != GradientClipKind.None || (spec.StateClamp.Kind != StateClampKind.None && !spec.Kernel.IsExact());
        return $"{target}, {how}{(bent ? "; clips and clamps bend it further" : "")}{(spec.Held is null ? "" : ", given the held part")}.";
    }
}
