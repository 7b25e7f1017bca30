using EbmService.Core.Sampling;

namespace EbmService.Inference.Samplers;

/// <summary>A chain's numbers and where they stand at a step. The temperature must be given: only SGLD takes a noise instead.</summary>
/// <param name="Recipe">Step size, temperature, clip, clamp and schedules.</param>
/// <param name="Horizon">The schedules' length in steps.</param>
/// <param name="Warmup">First steps, for adaptation; acceptance and divergences are counted after them.</param>
internal sealed record ChainPlan(SgldRecipe Recipe, int Horizon, int Warmup = 0)
{
    public StateClamp? Box { get; } = Recipe.StateClamp.Kind == StateClampKind.Range ? Recipe.StateClamp : null;

    public double StepSizeAt(int step) => Recipe.StepSizeAt(step, Horizon);

    /// <summary>The schedule's factor on an adapted step size.</summary>
    public double StepFactorAt(int step) => Recipe.Schedule.FactorAt(step, Horizon);

    public double TemperatureAt(int step) => Recipe.TemperatureAt(step, Horizon)
        ?? throw new InvalidOperationException("this kernel needs a temperature instead of a noise");
}
