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
public sealed class SgldKernel : IKernel
{
    private readonly GradientPass _pass;
    private readonly SgldRecipe _recipe;
    private readonly int _steps;

    /// <param name="model">The energy.</param>
    /// <param name="recipe">The chain's numbers.</param>
    /// <param name="steps">The planned length, for schedules.</param>
    public SgldKernel(IEnergyModel model, SgldRecipe recipe, int steps) : this(new GradientPass(model), recipe, steps)
    {
    }

    internal SgldKernel(GradientPass pass, SgldRecipe recipe, int steps) => (_pass, _recipe, _steps) = (pass, recipe, steps);

    private bool IsNoiseFirst => _recipe.Order == UpdateOrder.NoiseFirst;

    private StateClamp? Box => _recipe.StateClamp.Kind == StateClampKind.Range ? _recipe.StateClamp : null;

    public ChainState Init(ChainStartPoints start) => IsNoiseFirst ? new NoiseFirstState(start) : new ChainState(start);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        using DisposeScope scope = NewDisposeScope();
        double noise = _recipe.NoiseAt(state.Step, _steps);
        Tensor point = state is NoiseFirstState { Noisy: { } noisy } ? noisy : state.X;
        if (IsNoiseFirst && state.PassRow == 0)
            AddNoise(state, point.copy_(state.X), noise, generator);
        if (TakeGradient(state, _pass, point, IsNoiseFirst ? Box : null, isSpent) is not { } gradient)
            return false;
        Clip(state, gradient, _recipe.GradientClip);
        point.add_(gradient, alpha: Kept(-_recipe.StepSizeAt(state.Step, _steps)));
        if (!IsNoiseFirst)
            AddNoise(state, point, noise, generator);
        if (Box is { } box)
            point.clamp_(Kept(box.Min), Kept(box.Max));
        state.RestoreHeld(point);
        if (IsNoiseFirst)
            state.X.copy_(point);
        state.FreezeUnsound();
        return true;
    }

    /// <summary>Fills the state's energy, gradient norm and safe points.</summary>
    /// <param name="point">(rows, ...).</param>
    /// <param name="box">Where points may lie outside of it when the gradient is taken, although the chain must not end there; else null.</param>
    /// <returns>dE/dx, zero at held numbers, the caller's to change; null where the pass was left.</returns>
    internal static Tensor? TakeGradient(ChainState state, GradientPass pass, Tensor point, StateClamp? box, Func<bool> isSpent)
    {
        if (pass.Take(state, point, isSpent) is not { } taken)
            return null;
        state.Energy.copy_(taken.Energy);
        state.GradientNorm.copy_(state.ZeroHeld(taken.Gradient).flatten(1).norm(1));
        Tensor safe = box is null ? point : state.RestoreHeld(point.clamp(Kept(box.Min), Kept(box.Max)));
        if (state.Energy.AllSound() && state.Alive.AllTrue())
            state.Safe.copy_(safe);
        else
            state.Safe.copy_(where(state.ByChain(state.Alive.logical_and(state.Energy.IsSound())), safe, state.Safe));
        return taken.Gradient;
    }

    /// <summary>Bounds a gradient in place; the state's gradient norm must be its own.</summary>
    internal static void Clip(ChainState state, Tensor gradient, GradientClip clip)
    {
        if (clip.Kind == GradientClipKind.Value)
            gradient.clamp_(Kept(-clip.Limit), Kept(clip.Limit));
        else if (clip.Kind == GradientClipKind.Norm)
            gradient.mul_(state.ByChain(state.GradientNorm.clamp(min: Kept(clip.Limit)).reciprocal().mul(Kept(clip.Limit))));
    }

    private static void AddNoise(ChainState state, Tensor points, double noise, Generator generator)
    {
        if (noise > 0)
            points.add_(state.DrawThermal(generator, noise), Kept(1));
    }

    private sealed class NoiseFirstState : ChainState
    {
        public NoiseFirstState(ChainStartPoints start) : base(start) => Noisy = KeepWithinStep("noisy", empty_like(X));

        /// <value>The points with the open step's noise, where its gradient is taken (rows, ...).</value>
        public Tensor Noisy { get; }
    }
}
