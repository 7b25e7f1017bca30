namespace EbmService.Core.Sampling;

/// <summary>The published recipes, by name. A model's own recipes come first.</summary>
public static class SgldRecipes
{
    public const string Langevin = "langevin";

    /// <value>jem: Grathwohl et al. 2020; igebm: Du and Mordatch 2019; improved-cd: Du et al. 2021; short-mnist: common MNIST practice; langevin: the model at T = 1.</value>
    public static IReadOnlyDictionary<string, SgldRecipe> BuiltIn { get; } = new Dictionary<string, SgldRecipe>
    {
        ["jem"] = new() { Steps = 20, StepSize = 1, Noise = 0.01, Start = ChainStart.Buffer, FreshShare = 0.05 },
        ["igebm"] = new()
        {
            Steps = 60, StepSize = 10, Noise = 0.005, Order = UpdateOrder.NoiseFirst, Start = ChainStart.Buffer,
            GradientClip = new(GradientClipKind.Value, 0.01), StateClamp = new(StateClampKind.Range, 0, 1), FreshShare = 0.05,
        },
        ["improved-cd"] = new()
        {
            Steps = 40, StepSize = 100, Noise = 0.001, Order = UpdateOrder.NoiseFirst, Start = ChainStart.Buffer,
            StateClamp = new(StateClampKind.Range, 0, 1), FreshShare = 0.001,
        },
        ["short-mnist"] = new()
        {
            Steps = 60, StepSize = 10, Noise = 0.005, Order = UpdateOrder.NoiseFirst, Start = ChainStart.Buffer,
            GradientClip = new(GradientClipKind.Value, 0.03), StateClamp = new(StateClampKind.Range, -1, 1), FreshShare = 0.05,
        },
        [Langevin] = new() { Steps = 1000, StepSize = 0.01, Temperature = 1 },
    };
}
