using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
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
internal sealed class MalaKernel(IEnergyModel model, ChainPlan plan, MalaSettings settings) : IKernel
{
    public ChainState Init(ChainStartPoints start)
    {
        ChainState state = CachedGradient.Start(start, model, plan.Box);
        Metropolis.Prepare(state);
        state.StepSize = new StepSizeAdaptation(state, plan.Recipe.StepSize);
        return state;
    }

    public void Step(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        double temperature = plan.TemperatureAt(state.Step);
        Tensor stepSize = state.StepSize!.Current.mul(Kept(plan.StepFactorAt(state.Step)));
        Tensor scale = state.PerRow(full_like(stepSize, Kept(temperature)));
        Tensor spread = scale.mul(stepSize).mul_(Kept(2)).sqrt_();
        Tensor noise = state.DrawNoise(generator);
        Tensor proposal = state.RestoreHeld(state.X.addcmul(state.Gradient!, stepSize, Kept(-1)).addcmul_(noise, spread, Kept(1)));
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(proposal, state.Labels);
        state.ZeroHeld(gradient);

        Tensor logRatio = state.ExactEnergy!.sub(energy).div_(scale.flatten()).add_(ProposalRatio(state, noise, gradient, spread.div(scale).mul_(Kept(0.5))), Kept(1));
        Metropolis.Decide(state, proposal, energy, gradient, InBox(state, proposal, logRatio), generator, state.Step >= plan.Warmup);
        Adapt(state);
        state.Step++;
    }

    /// <summary>
    /// log q(x | x') - log q(x' | x). The way back needs the noise c (g + g') - xi with c = sqrt(2 a T) / (2 T), so this is
    /// |xi|^2 / 2 - |xi - c (g + g')|^2 / 2, written without the difference of large numbers.
    /// </summary>
    private static Tensor ProposalRatio(ChainState state, Tensor noise, Tensor gradient, Tensor c)
    {
        Tensor drift = state.Gradient!.add(gradient, Kept(1)).mul_(c);
        return noise.sub(drift.mul(Kept(0.5))).mul_(drift).flatten(1).sum(1);
    }

    private Tensor InBox(ChainState state, Tensor proposal, Tensor logRatio)
    {
        if (plan.Box is not { } box)
            return logRatio;
        Tensor outside = state.ZeroHeld(proposal.less(box.Min).logical_or_(proposal.greater(box.Max)));
        return logRatio.masked_fill_(outside.flatten(1).any(1), Kept(double.NegativeInfinity));
    }

    private void Adapt(ChainState state)
    {
        if (state.Step >= plan.Warmup)
            return;
        state.StepSize!.Update(state, settings.TargetAcceptance, state.Step + 1);
        if (state.Step + 1 == plan.Warmup)
            state.StepSize.Finish();
    }
}
