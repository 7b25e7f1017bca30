using EbmService.Core.Sampling;
using EbmService.Inference.Samplers.Adaptation;
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
internal sealed class HmcKernel(GradientPass pass, ChainPlan plan, HmcSettings settings) : IKernel
{
    private const double DivergenceBound = 1000;
    private readonly WarmupWindows _windows = new(plan.Warmup);

    public ChainState Init(ChainStartPoints start) => new HmcState(start, plan, settings.AdaptMass);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        var chains = (HmcState)state;
        using DisposeScope scope = NewDisposeScope();
        if (!chains.Begin(pass, isSpent))
            return false;
        Tensor temperature = chains.PerRow(full_like(chains.StepSize.Current, Kept(plan.TemperatureAt(chains.Step))));
        Tensor step = StepOf(chains);
        if (chains is { Phase: 1, PassRow: 0 })
            Draw(chains, temperature, step, generator);
        // Phase 1 + k: k leapfrogs are done.
        while (true)
        {
            // Freed at once: the activations of a long trajectory would not fit.
            using DisposeScope inner = NewDisposeScope();
            if (chains.PassRow == 0)
                Drift(chains, chains.Proposal, chains.Noise, step);
            if (pass.Take(chains, chains.Proposal, isSpent) is not { } taken)
                return false;
            (Tensor energy, Tensor gradient) = (taken.Energy, chains.ZeroHeld(taken.Gradient));
            bool isLast = chains.Phase++ == settings.LeapfrogSteps;
            chains.Noise.addcmul_(gradient, step, Kept(isLast ? -0.5 : -1));
            if (isLast)
            {
                Decide(chains, energy, gradient, temperature, generator);
                return true;
            }
            if (isSpent())
                return false;
        }
    }

    private Tensor StepOf(HmcState state)
    {
        Tensor step = state.StepSize.Current.mul(Kept(plan.StepFactorAt(state.Step)));
        return state.Mass is { } mass ? mass.Scale.mul(step) : step;
    }

    /// <summary>Fresh momenta, in the state's noise, and their first half kick.</summary>
    private static void Draw(HmcState state, Tensor temperature, Tensor step, Generator generator)
    {
        Tensor momentum = state.DrawNoise(generator).mul_(temperature.sqrt());
        state.Kinetic.copy_(KineticOf(momentum));
        state.Hamiltonian.copy_(state.Kinetic).add_(state.Energy, Kept(1));
        state.Proposal.copy_(state.X);
        momentum.addcmul_(state.Gradient, step, Kept(-0.5));
    }

    private void Decide(HmcState state, Tensor energy, Tensor gradient, Tensor temperature, Generator generator)
    {
        Tensor logRatio = state.Energy.sub(energy).add_(state.Kinetic.sub(KineticOf(state.Noise)), Kept(1)).div_(temperature.flatten());
        bool counts = state.Step >= plan.Warmup;
        if (counts)
            state.DivergentTransitions.add_(logRatio.abs().less_equal(DivergenceBound).logical_not_().logical_and_(state.Alive), Kept(1));
        state.Decide(state.Proposal, energy, gradient, logRatio, generator, counts);
        Adapt(state);
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

    private static Tensor KineticOf(Tensor momentum) => momentum.pow(Kept(2)).flatten(1).sum([1], type: ScalarType.Float64).mul_(Kept(0.5));

    private void Adapt(HmcState state)
    {
        if (state.Step >= plan.Warmup)
            return;
        state.StepSize.Update(state.Alive, state.Acceptance, settings.TargetAcceptance, _windows.RoundOf(state.Step));
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

/// <summary>HMC's own: adaptation, what is counted, and the kinetic energy at the start of the open transition.</summary>
internal sealed class HmcState : MetropolisState, IAdaptsStepSize
{
    public HmcState(ChainStartPoints start, ChainPlan plan, bool adaptsMass) : base(start, plan.Box)
    {
        DivergentTransitions = Keep("divergentTransitions", zeros(Rows, dtype: ScalarType.Int64, device: X.device));
        Hamiltonian = Keep("hamiltonian", zeros(Rows, dtype: ScalarType.Float64, device: X.device));
        Kinetic = KeepWithinStep("kinetic", zeros(Rows, dtype: ScalarType.Float64, device: X.device));
        StepSize = new StepSizeAdaptation(this, plan.Recipe.StepSize);
        Mass = adaptsMass ? new MassAdaptation(this) : null;
    }

    public StepSizeAdaptation StepSize { get; }

    public MassAdaptation? Mass { get; }

    /// <value>Transitions since the warm-up whose energy error was too large (rows) int64.</value>
    public Tensor DivergentTransitions { get; }

    /// <value>The Hamiltonian at the start of the latest transition (rows) float64, for E-BFMI.</value>
    public Tensor Hamiltonian { get; }

    public Tensor Kinetic { get; }

    internal override IEnumerable<Tensor> RecordsByTemperature => [AcceptanceSum, DivergentTransitions, Hamiltonian];
}
