using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>What the unadjusted kernels that take the gradient at the start of a step have in common.</summary>
internal static class UnadjustedStep
{
    /// <summary>Fills the state's energy, gradient norm and safe points.</summary>
    /// <param name="box">Where points may lie outside of it when the gradient is taken, although the chain must not end there; else null.</param>
    /// <returns>dE/dx, zero at held numbers; the caller's to change.</returns>
    public static Tensor TakeGradient(ChainState state, IEnergyModel model, StateClamp? box)
    {
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(state.X, state.Labels);
        state.Energy.copy_(energy);
        state.GradientNorm.copy_(state.ZeroHeld(gradient).flatten(1).norm(1));
        Tensor point = box is null ? state.X : state.RestoreHeld(state.X.clamp(Kept(box.Min), Kept(box.Max)));
        if (state.Energy.AllFinite() && state.Alive.AllTrue())
            state.Safe.copy_(point);
        else
            state.Safe.copy_(where(state.ByChain(state.Alive.logical_and(state.Energy.isfinite())), point, state.Safe));
        return gradient;
    }

    /// <summary>Bounds a gradient in place; the state's gradient norm must be its own.</summary>
    public static void Clip(ChainState state, Tensor gradient, GradientClip clip)
    {
        if (clip.Kind == GradientClipKind.Value)
            gradient.clamp_(Kept(-clip.Limit), Kept(clip.Limit));
        else if (clip.Kind == GradientClipKind.Norm)
            gradient.mul_(state.ByChain(state.GradientNorm.clamp(min: Kept(clip.Limit)).reciprocal().mul(Kept(clip.Limit))));
    }
}
