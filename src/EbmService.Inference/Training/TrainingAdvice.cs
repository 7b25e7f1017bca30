using System.Globalization;
using EbmService.Core.Training;

namespace EbmService.Inference.Training;

/// <summary>What to say of a run that went wrong, in the words of its recipe.</summary>
public static class TrainingAdvice
{
    /// <summary>A sentence without its full stop.</summary>
    /// <param name="iteration">The last sound one.</param>
    public static string OfDivergence(TrainingRecipe recipe, int iteration) => string.Create(CultureInfo.InvariantCulture,
        $"training diverged after iteration {iteration}: an energy passed {recipe.EnergyBound} or stopped being finite");

    /// <summary>What to change, as an order in lower case without its full stop.</summary>
    public static string AfterDivergence(TrainingRecipe recipe) => recipe switch
    {
        { Gibbs: not null } => "lower learningRate or gradientNormClip, raise gibbs.sweeps or weightDecay (or energyBound, where energies of that size are right)",
        { Denoising: not null } => "lower learningRate or raise denoising.deviation",
        _ => "lower learningRate or chain.stepSize, or raise energyL2",
    };
}
