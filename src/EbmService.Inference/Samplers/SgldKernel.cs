using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Stochastic gradient Langevin dynamics on the energy, unadjusted (Welling and Teh 2011), with the full recipe: order,
/// gradient clip, clamp, schedules. Without clips its stationary temperature is s^2 / (2a). With a temperature in the recipe and the
/// gradient first it is the unadjusted Langevin algorithm (Roberts and Tweedie 1996).
/// </summary>
/// <param name="model">The energy.</param>
/// <param name="recipe">The chain's numbers.</param>
/// <param name="steps">The planned length, for schedules.</param>
public sealed class SgldKernel(IEnergyModel model, SgldRecipe recipe, int steps) : IKernel
{
    public ChainState Init(ChainStartPoints start) => new(start);

    public void Step(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        double stepSize = recipe.StepSizeAt(state.Step, steps);
        double noise = recipe.NoiseAt(state.Step, steps);
        if (recipe.Order == UpdateOrder.NoiseFirst)
            AddNoise(state, noise, generator);
        Descend(state, stepSize);
        if (recipe.Order == UpdateOrder.GradientFirst)
            AddNoise(state, noise, generator);
        if (recipe.StateClamp.Kind == StateClampKind.Range)
            state.X.clamp_(Kept(recipe.StateClamp.Min), Kept(recipe.StateClamp.Max));
        state.RestoreHeld(state.X);
        state.FreezeUnsound();
        state.Step++;
    }

    private void Descend(ChainState state, double stepSize)
    {
        bool boxed = recipe is { Order: UpdateOrder.NoiseFirst, StateClamp.Kind: StateClampKind.Range };
        Tensor gradient = UnadjustedStep.TakeGradient(state, model, boxed ? recipe.StateClamp : null);
        UnadjustedStep.Clip(state, gradient, recipe.GradientClip);
        state.X.add_(gradient, alpha: Kept(-stepSize));
    }

    private static void AddNoise(ChainState state, double noise, Generator generator)
    {
        if (noise <= 0)
            return;
        Tensor move = state.DrawNoise(generator, noise);
        if (state.TemperatureFactors is { } factors)
            move.mul_(state.ByChain(factors.sqrt()));
        state.X.add_(move, Kept(1));
    }
}
