using EbmService.Core.Sampling;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Langevin dynamics with an RMSprop preconditioner (Li et al. 2016): V is a running mean of squared gradients, without the weight of its
/// start at zero (as in Adam), G = 1 / (epsilon + sqrt(V)); x &lt;- clamp(x - a G grad E + sqrt(2 a T G) xi). The correction Gamma for
/// G's dependence on x is left out, as the paper itself does, and there is no accept step: besides the bias of the step size there is one
/// that shrinks as the decay nears 1.
/// </summary>
internal sealed class PreconditionedSgldKernel(GradientPass pass, ChainPlan plan, PreconditionerSettings settings) : IKernel
{
    public ChainState Init(ChainStartPoints start) => new PreconditionedState(start);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        var chains = (PreconditionedState)state;
        using DisposeScope scope = NewDisposeScope();
        double stepSize = plan.StepSizeAt(chains.Step);
        if (SgldKernel.TakeGradient(chains, pass, chains.X, box: null, isSpent) is not { } gradient)
            return false;
        SgldKernel.Clip(chains, gradient, plan.Recipe.GradientClip);
        Tensor preconditioner = Preconditioner(chains, gradient);
        Tensor noise = chains.DrawThermal(generator, Math.Sqrt(2 * stepSize * plan.TemperatureAt(chains.Step)));
        chains.X.addcmul_(gradient, preconditioner, Kept(-stepSize));
        chains.X.addcmul_(noise, preconditioner.sqrt_(), Kept(1));
        if (plan.Box is { } box)
            chains.X.clamp_(Kept(box.Min), Kept(box.Max));
        chains.RestoreHeld(chains.X);
        chains.FreezeUnsound();
        return true;
    }

    private Tensor Preconditioner(PreconditionedState state, Tensor gradient)
    {
        state.SquaredGradient.mul_(Kept(settings.Decay)).addcmul_(gradient, gradient, Kept(1 - settings.Decay));
        double weight = 1 - Math.Pow(settings.Decay, state.Step + 1);
        return state.SquaredGradient.div(Kept(weight)).sqrt_().add_(Kept(settings.Epsilon), Kept(1)).reciprocal_();
    }

    private sealed class PreconditionedState : ChainState
    {
        public PreconditionedState(ChainStartPoints start) : base(start) => SquaredGradient = Keep("squaredGradient", zeros_like(X));

        public Tensor SquaredGradient { get; }
    }
}
