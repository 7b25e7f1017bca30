using EbmService.Core.Sampling;
using EbmService.Inference.Samplers.Adaptation;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// The Metropolis-adjusted Langevin algorithm (Roberts and Tweedie 1996; Roberts and Rosenthal 1998): proposes
/// x' = x - a grad E(x) + sqrt(2 a T) xi and accepts by exp(-E/T) and both proposal densities, so exp(-E/T) is its exact target. One
/// gradient a step: that of the current point is kept. With a box the target is cut off at its walls: proposals outside are rejected.
/// During the warm-up dual averaging moves the step size to the target acceptance; afterwards the averaged value stays.
/// </summary>
internal sealed class MalaKernel(GradientPass pass, ChainPlan plan, MalaSettings settings) : IKernel
{
    public ChainState Init(ChainStartPoints start) => new MalaState(start, plan);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        var chains = (MalaState)state;
        using DisposeScope scope = NewDisposeScope();
        if (!chains.Begin(pass, isSpent))
            return false;
        Tensor stepSize = chains.StepSize.Current.mul(Kept(plan.StepFactorAt(chains.Step)));
        Tensor scale = chains.PerRow(full_like(stepSize, Kept(plan.TemperatureAt(chains.Step))));
        Tensor spread = scale.mul(stepSize).mul_(Kept(2)).sqrt_();
        Tensor proposal = chains.Proposal, noise = chains.Noise;
        if (chains.PassRow == 0)
            chains.RestoreHeld(proposal.copy_(chains.X).addcmul_(chains.Gradient, stepSize, Kept(-1)).addcmul_(chains.DrawNoise(generator), spread, Kept(1)));
        if (pass.Take(chains, proposal, isSpent) is not { } taken)
            return false;
        (Tensor energy, Tensor gradient) = (taken.Energy, chains.ZeroHeld(taken.Gradient));

        Tensor logRatio = chains.Energy.sub(energy).div_(scale.flatten()).add_(ProposalRatio(chains, noise, gradient, spread.div(scale).mul_(Kept(0.5))), Kept(1));
        chains.Decide(proposal, energy, gradient, InBox(chains, proposal, logRatio), generator, chains.Step >= plan.Warmup);
        Adapt(chains);
        return true;
    }

    /// <summary>
    /// log q(x | x') - log q(x' | x). The way back needs the noise c (g + g') - xi with c = sqrt(2 a T) / (2 T), so this is
    /// |xi|^2 / 2 - |xi - c (g + g')|^2 / 2, written without the difference of large numbers.
    /// </summary>
    private static Tensor ProposalRatio(MalaState state, Tensor noise, Tensor gradient, Tensor c)
    {
        Tensor drift = state.Gradient.add(gradient, Kept(1)).mul_(c);
        return noise.sub(drift.mul(Kept(0.5))).mul_(drift).flatten(1).sum([1], type: ScalarType.Float64);
    }

    private Tensor InBox(ChainState state, Tensor proposal, Tensor logRatio)
    {
        if (plan.Box is not { } box)
            return logRatio;
        Tensor outside = state.ZeroHeld(proposal.less(box.Min).logical_or_(proposal.greater(box.Max)));
        return logRatio.masked_fill_(outside.flatten(1).any(1), Kept(double.NegativeInfinity));
    }

    private void Adapt(MalaState state)
    {
        if (state.Step >= plan.Warmup)
            return;
        state.StepSize.Update(state.Alive, state.Acceptance, settings.TargetAcceptance, state.Step + 1);
        if (state.Step + 1 == plan.Warmup)
            state.StepSize.Finish();
    }

    private sealed class MalaState : MetropolisState, IAdaptsStepSize
    {
        public MalaState(ChainStartPoints start, ChainPlan plan) : base(start, plan.Box) => StepSize = new StepSizeAdaptation(this, plan.Recipe.StepSize);

        public StepSizeAdaptation StepSize { get; }
    }
}
