using EbmService.Core.Sampling;
using EbmService.Inference.Energies;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Stochastic gradient Langevin dynamics on the energy, unadjusted (Welling and Teh 2011), with the full recipe: order,
/// gradient clip, clamp, step-size schedule. Without clips its stationary temperature is s^2 / (2a).
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
            state.X.clamp_(recipe.StateClamp.Min, recipe.StateClamp.Max);
        state.Freeze(state.X.flatten(1).sum(1).isfinite().logical_and_(state.Energy.isfinite()));
        state.Step++;
    }

    private void Descend(ChainState state, double stepSize)
    {
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(state.X, state.Labels);
        state.Energy.copy_(energy);
        RememberSafe(state);
        Tensor norm = gradient.flatten(1).norm(1);
        state.GradientNorm.copy_(norm);
        GradientClip clip = recipe.GradientClip;
        if (clip.Kind == GradientClipKind.Value)
            gradient.clamp_(-clip.Limit, clip.Limit);
        else if (clip.Kind == GradientClipKind.Norm)
            gradient.mul_(state.ByChain(norm.clamp(min: clip.Limit).reciprocal().mul(clip.Limit)));
        state.X.add_(gradient, alpha: -stepSize);
    }

    private static void AddNoise(ChainState state, double noise, Generator generator)
    {
        if (noise > 0)
            state.X.add_(state.Noise.normal_(0, noise, generator));
    }

    /// <summary>A chain that will have to be frozen goes back to a point whose energy was seen to be finite.</summary>
    private void RememberSafe(ChainState state)
    {
        Tensor sound = state.Alive.logical_and(state.Energy.isfinite());
        // A noised point may lie outside the box, where the chain must not end.
        Tensor point = recipe is { Order: UpdateOrder.NoiseFirst, StateClamp.Kind: StateClampKind.Range }
            ? state.X.clamp(recipe.StateClamp.Min, recipe.StateClamp.Max)
            : state.X;
        state.Safe.copy_(where(state.ByChain(sound), point, state.Safe));
    }
}
