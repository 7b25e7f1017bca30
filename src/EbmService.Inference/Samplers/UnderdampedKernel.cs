using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Underdamped Langevin dynamics with unit mass in the BAOAB splitting (Leimkuhler and Matthews 2013): half kick, half drift, momentum
/// p &lt;- c p + sqrt(T (1 - c^2)) xi with c = exp(-friction h), half drift, half kick; h is the step size. Unadjusted, one gradient a step. Its
/// marginal of x is exact for Gaussian targets (h below 2 / sqrt(k)) and else off by O(h^2). In a box, numbers that leave it are put on the wall and their
/// momentum is set to zero, which is a projection and not a reflection. The first momenta are drawn from N(0, T) in the first step.
/// </summary>
internal sealed class UnderdampedKernel(IEnergyModel model, ChainPlan plan, UnderdampedSettings settings) : IKernel
{
    public ChainState Init(ChainStartPoints start)
    {
        ChainState state = CachedGradient.Start(start, model, plan.Box);
        state.Momentum = state.Keep("momentum", zeros_like(state.X));
        return state;
    }

    public void Step(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        double h = plan.StepSizeAt(state.Step);
        double temperature = plan.TemperatureAt(state.Step);
        Tensor momentum = state.Momentum!;
        if (state.Step == 0)
            momentum.copy_(Thermal(state, temperature, generator));
        momentum.add_(state.Gradient!, alpha: Kept(-h / 2));
        state.X.add_(momentum, alpha: Kept(h / 2));
        double kept = Math.Exp(-settings.Friction * h);
        momentum.mul_(Kept(kept)).add_(Thermal(state, temperature * (1 - kept * kept), generator), Kept(1));
        state.X.add_(momentum, alpha: Kept(h / 2));
        StayInBox(state);
        Kick(state, h / 2);
        state.Step++;
    }

    private static Tensor Thermal(ChainState state, double variance, Generator generator)
    {
        Tensor noise = state.DrawNoise(generator, Math.Sqrt(variance));
        return state.TemperatureFactors is { } factors ? noise.mul_(state.ByChain(factors.sqrt())) : noise;
    }

    private void StayInBox(ChainState state)
    {
        if (plan.Box is { } box)
        {
            Tensor inside = state.X.clamp(Kept(box.Min), Kept(box.Max));
            state.Momentum!.masked_fill_(inside.ne(state.X), Kept(0));
            state.X.copy_(inside);
        }
        state.RestoreHeld(state.X);
    }

    private void Kick(ChainState state, double duration)
    {
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(state.X, state.Labels);
        state.ZeroHeld(gradient);
        CachedGradient.Settle(state, energy, gradient);
        state.Momentum!.add_(gradient, alpha: Kept(-duration)).masked_fill_(state.ByChain(state.Alive).logical_not(), Kept(0));
    }
}
