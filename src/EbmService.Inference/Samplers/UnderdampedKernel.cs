using EbmService.Core.Sampling;
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
internal sealed class UnderdampedKernel(GradientPass pass, ChainPlan plan, UnderdampedSettings settings) : IKernel
{
    public ChainState Init(ChainStartPoints start) => new UnderdampedState(start, plan);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        var chains = (UnderdampedState)state;
        using DisposeScope scope = NewDisposeScope();
        if (!chains.Begin(pass, isSpent))
            return false;
        double h = plan.StepSizeAt(chains.Step);
        if (chains.PassRow == 0)
            Move(chains, h, generator);
        if (pass.Take(chains, chains.Proposal, isSpent) is not { } taken)
            return false;
        Tensor gradient = chains.ZeroHeld(taken.Gradient);
        chains.MoveAll(chains.Proposal, taken.Energy, gradient);
        chains.Momentum.add_(gradient, alpha: Kept(-h / 2)).masked_fill_(chains.ByChain(chains.Alive).logical_not(), Kept(0));
        return true;
    }

    /// <summary>All of a step but the last half kick.</summary>
    private void Move(UnderdampedState state, double h, Generator generator)
    {
        double temperature = plan.TemperatureAt(state.Step);
        (Tensor x, Tensor momentum) = (state.Proposal, state.Momentum);
        if (state.Step == 0)
            momentum.copy_(state.DrawThermal(generator, Math.Sqrt(temperature)));
        momentum.add_(state.Gradient, alpha: Kept(-h / 2));
        x.copy_(state.X).add_(momentum, alpha: Kept(h / 2));
        double kept = Math.Exp(-settings.Friction * h);
        momentum.mul_(Kept(kept)).add_(state.DrawThermal(generator, Math.Sqrt(temperature * (1 - kept * kept))), Kept(1));
        x.add_(momentum, alpha: Kept(h / 2));
        if (plan.Box is { } box)
        {
            Tensor inside = x.clamp(Kept(box.Min), Kept(box.Max));
            momentum.masked_fill_(inside.ne(x), Kept(0));
            x.copy_(inside);
        }
        state.RestoreHeld(x);
    }

    private sealed class UnderdampedState : CachedGradientState
    {
        public UnderdampedState(ChainStartPoints start, ChainPlan plan) : base(start, plan.Box) => Momentum = Keep("momentum", zeros_like(X));

        public Tensor Momentum { get; }

        internal override void Reheat(Tensor ratios) => Momentum.mul_(ByChain(ratios.sqrt()));
    }
}
