using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): fresh momenta of temperature T, a fixed number of leapfrog steps, acceptance by
/// exp(-dH / T), so exp(-E/T) is the exact target. During the warm-up dual averaging moves the step size to the target acceptance and, at the
/// ends of Stan's windows, a diagonal mass is taken from the variance pooled over the block's rows (Hoffman and Gelman 2014; Carpenter
/// et al. 2017); both stay afterwards. Transitions with |dH| / T over 1000, or not finite, are counted as divergent after the warm-up. In a
/// box the drift is reflected at the walls, which is the exact motion of a free particle there and keeps volume and reversibility.
/// Momenta are kept as q = M^(-1/2) p, so that q ~ N(0, T) and the mass appears as one scale on the step.
/// </summary>
internal sealed class HmcKernel(IEnergyModel model, ChainPlan plan, HmcSettings settings) : IKernel
{
    private const double DivergenceBound = 1000;
    private readonly WarmupWindows _windows = new(plan.Warmup);

    public ChainState Init(ChainStartPoints start)
    {
        ChainState state = CachedGradient.Start(start, model, plan.Box);
        Metropolis.Prepare(state);
        state.DivergentTransitions = state.Keep("divergentTransitions", zeros(state.Rows, dtype: ScalarType.Int64, device: state.X.device));
        state.Hamiltonian = state.Keep("hamiltonian", zeros(state.Rows, device: state.X.device));
        state.StepSize = new StepSizeAdaptation(state, plan.Recipe.StepSize);
        if (settings.AdaptMass)
            state.Mass = new MassAdaptation(state);
        return state;
    }

    public void Step(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor temperature = state.PerRow(full_like(state.StepSize!.Current, Kept(plan.TemperatureAt(state.Step))));
        Tensor momentum = state.DrawNoise(generator).mul_(temperature.sqrt());
        Tensor before = Kinetic(momentum);
        state.Hamiltonian!.copy_(before).add_(state.Energy, Kept(1));
        (Tensor proposal, Tensor energy, Tensor gradient) = Integrate(state, momentum);

        Tensor logRatio = state.ExactEnergy!.sub(energy).add_(before.sub_(Kinetic(momentum)), Kept(1)).div_(temperature.flatten());
        bool counts = state.Step >= plan.Warmup;
        if (counts)
            state.DivergentTransitions!.add_(logRatio.abs().less_equal(DivergenceBound).logical_not_().logical_and_(state.Alive), Kept(1));
        Metropolis.Decide(state, proposal, energy, gradient, logRatio, generator, counts);
        Adapt(state);
        state.Step++;
    }

    private (Tensor Proposal, Tensor Energy, Tensor Gradient) Integrate(ChainState state, Tensor momentum)
    {
        Tensor step = state.StepSize!.Current.mul(Kept(plan.StepFactorAt(state.Step)));
        if (state.Mass is { } mass)
            step = mass.Scale.mul(step);
        Tensor position = state.X.clone();
        momentum.addcmul_(state.Gradient!, step, Kept(-0.5));
        Tensor energy = state.Energy;
        Tensor gradient = state.Gradient!;
        for (int i = 1; i <= settings.LeapfrogSteps; i++)
        {
            // Freed at once: the activations of a long trajectory would not fit.
            using DisposeScope inner = NewDisposeScope();
            Drift(state, position, momentum, step);
            (energy, gradient) = model.EnergyAndGradient(position, state.Labels);
            state.ZeroHeld(gradient);
            momentum.addcmul_(gradient, step, Kept(i == settings.LeapfrogSteps ? -0.5 : -1));
            energy.MoveToOuterDisposeScope();
            gradient.MoveToOuterDisposeScope();
        }
        return (position, energy, gradient);
    }

    private void Drift(ChainState state, Tensor position, Tensor momentum, Tensor step)
    {
        position.addcmul_(momentum, step, Kept(1));
        if (plan.Box is { } box)
        {
            double width = box.Max - box.Min;
            // The walls' mirror images repeat after twice the width; in the second half the motion goes backwards.
            Tensor unfolded = position.sub(Kept(box.Min)).remainder_(Kept(2 * width));
            momentum.mul_(unfolded.greater(width).to(ScalarType.Float32).mul_(Kept(-2)).add_(Kept(1), Kept(1)));
            position.copy_(unfolded.sub_(Kept(width)).abs_().neg_().add_(Kept(box.Max), Kept(1))).clamp_(Kept(box.Min), Kept(box.Max));
        }
        state.RestoreHeld(position);
    }

    private static Tensor Kinetic(Tensor momentum) => momentum.pow(Kept(2)).flatten(1).sum(1).mul_(Kept(0.5));

    private void Adapt(ChainState state)
    {
        if (state.Step >= plan.Warmup)
            return;
        state.StepSize!.Update(state, settings.TargetAcceptance, _windows.RoundOf(state.Step));
        if (state.Mass is { } mass && _windows.Collects(state.Step))
        {
            mass.Collect(state);
            if (_windows.EndsAt(state.Step))
                state.StepSize.Restart(mass.Finish(state, plan.TemperatureAt(state.Step)));
        }
        if (state.Step + 1 == plan.Warmup)
            state.StepSize.Finish();
    }
}
