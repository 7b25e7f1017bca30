using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
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
internal sealed class PreconditionedSgldKernel(IEnergyModel model, ChainPlan plan, PreconditionerSettings settings) : IKernel
{
    private const string SquaredGradient = "squaredGradient";

    public ChainState Init(ChainStartPoints start)
    {
        var state = new ChainState(start);
        state.Keep(SquaredGradient, zeros_like(state.X));
        return state;
    }

    public void Step(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        double stepSize = plan.StepSizeAt(state.Step);
        Tensor gradient = UnadjustedStep.TakeGradient(state, model, box: null);
        UnadjustedStep.Clip(state, gradient, plan.Recipe.GradientClip);
        Tensor preconditioner = Preconditioner(state, gradient);
        state.X.addcmul_(gradient, preconditioner, Kept(-stepSize));
        state.X.addcmul_(Noise(state, stepSize, generator), preconditioner.sqrt_(), Kept(1));
        if (plan.Box is { } box)
            state.X.clamp_(Kept(box.Min), Kept(box.Max));
        state.RestoreHeld(state.X);
        state.FreezeUnsound();
        state.Step++;
    }

    private Tensor Preconditioner(ChainState state, Tensor gradient)
    {
        Tensor squares = state.Tensors[SquaredGradient];
        squares.mul_(Kept(settings.Decay)).addcmul_(gradient, gradient, Kept(1 - settings.Decay));
        double weight = 1 - Math.Pow(settings.Decay, state.Step + 1);
        return squares.div(Kept(weight)).sqrt_().add_(Kept(settings.Epsilon), Kept(1)).reciprocal_();
    }

    private Tensor Noise(ChainState state, double stepSize, Generator generator)
    {
        Tensor noise = state.DrawNoise(generator, Math.Sqrt(2 * stepSize * plan.TemperatureAt(state.Step)));
        return state.TemperatureFactors is { } factors ? noise.mul_(state.ByChain(factors.sqrt())) : noise;
    }
}
