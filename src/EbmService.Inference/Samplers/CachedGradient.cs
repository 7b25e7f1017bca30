using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>For kernels that keep energy and gradient of the current point from step to step, so that a step needs each gradient once.</summary>
internal static class CachedGradient
{
    /// <summary>A state at its first points, moved into the box. Rows that begin at an energy that is not finite are frozen there.</summary>
    public static ChainState Start(ChainStartPoints start, IEnergyModel model, StateClamp? box)
    {
        using DisposeScope scope = NewDisposeScope();
        var state = new ChainState(start);
        if (box is not null)
            state.Safe.copy_(state.RestoreHeld(state.X.clamp_(Kept(box.Min), Kept(box.Max))));
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(state.X, state.Labels);
        state.ExactEnergy = state.Keep("exactEnergy", energy.to(ScalarType.Float64));
        state.Energy.copy_(energy);
        state.Gradient = state.Keep("gradient", state.ZeroHeld(gradient));
        state.GradientNorm.copy_(GradientNorm(state));
        state.Alive.copy_(state.Energy.isfinite());
        return state;
    }

    /// <summary>Moves chosen rows to points whose energy and gradient are known.</summary>
    /// <param name="chosen">(rows) bool.</param>
    public static void MoveTo(ChainState state, Tensor chosen, Tensor points, Tensor energy, Tensor gradient)
    {
        Tensor spread = state.ByChain(chosen);
        state.X.copy_(where(spread, points, state.X));
        state.Gradient!.copy_(where(spread, gradient, state.Gradient));
        state.ExactEnergy!.copy_(where(chosen, energy.to(ScalarType.Float64), state.ExactEnergy));
        state.Energy.copy_(state.ExactEnergy);
        state.GradientNorm.copy_(GradientNorm(state));
    }

    /// <summary>Takes in energy and gradient of the points that all rows moved to; rows for which they are not finite go back and are frozen.</summary>
    public static void Settle(ChainState state, Tensor energy, Tensor gradient)
    {
        state.Alive.logical_and_(energy.to(ScalarType.Float32).isfinite()).logical_and_(state.X.flatten(1).sum(1).isfinite());
        // The safe points are the latest ones, whose energy and gradient are still in the state.
        Tensor alive = state.ByChain(state.Alive);
        state.X.copy_(where(alive, state.X, state.Safe));
        state.Safe.copy_(state.X);
        state.Gradient!.copy_(where(alive, gradient, state.Gradient));
        state.ExactEnergy!.copy_(where(state.Alive, energy.to(ScalarType.Float64), state.ExactEnergy));
        state.Energy.copy_(state.ExactEnergy);
        state.GradientNorm.copy_(GradientNorm(state));
    }

    private static Tensor GradientNorm(ChainState state) => state.Gradient!.flatten(1).norm(1);
}
