using EbmService.Core.Models;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Gibbs with gradients (Grathwohl et al. 2021): one variable a step changes its value; which one, and to what, is drawn from
/// softmax(d / 2), where d estimates from the gradient how -E/T would change; Metropolis' correction with the probability of the way back
/// makes exp(-E/T) the exact target. Binary variables flip; a categorical one (one-hot in the last dimension) takes another category than
/// its own. A variable of which any number is held is never proposed. One gradient a step: that of the current point is kept.
/// </summary>
internal sealed class GibbsWithGradientsKernel(GradientPass pass, ChainPlan plan, VariableKind variables) : IKernel
{
    public ChainState Init(ChainStartPoints start) => new MetropolisState(start, box: null);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        var chains = (MetropolisState)state;
        using DisposeScope scope = NewDisposeScope();
        if (!chains.Begin(pass, isSpent))
            return false;
        double temperature = plan.TemperatureAt(chains.Step);
        // The earliest of exponential waiting times with these rates: a draw of fixed shape.
        if (chains.PassRow == 0)
            chains.Noise.exponential_(1, generator).log_();
        Tensor forward = LogProbabilities(chains, chains.X, chains.Gradient, temperature);
        Tensor change = forward.sub(chains.Noise.flatten(1)).argmax(1, keepdim: true);
        (Tensor proposal, Tensor back) = variables == VariableKind.Categorical ? Recategorise(chains.X, change) : Flip(chains.X, change);
        if (pass.Take(chains, proposal, isSpent) is not { } taken)
            return false;
        (Tensor energy, Tensor gradient) = (taken.Energy, chains.ZeroHeld(taken.Gradient));

        Tensor backward = LogProbabilities(chains, proposal, gradient, temperature);
        Tensor logRatio = chains.DivideByTemperature(chains.Energy.sub(energy), temperature)
            .add_(backward.gather(1, back).squeeze(1), Kept(1)).sub_(forward.gather(1, change).squeeze(1));
        chains.Decide(proposal, energy, gradient, logRatio, generator, chains.Step >= plan.Warmup);
        return true;
    }

    /// <summary>log of the proposal's probabilities over all numbers of x, (rows, numbers): the number that flips, or that becomes the one.</summary>
    private Tensor LogProbabilities(ChainState state, Tensor x, Tensor gradient, double temperature)
    {
        Tensor gain;
        Tensor? held = state.HeldMask;
        if (variables == VariableKind.Categorical)
        {
            Tensor own = gradient.mul(x).sum([-1], keepdim: true);
            gain = own.sub(gradient).masked_fill_(x.greater(0.5), Kept(double.NegativeInfinity));
            held = held?.any(-1, keepdim: true);
        }
        else
        {
            gain = x.mul(Kept(2)).sub_(Kept(1)).mul_(gradient);
        }
        if (held is not null)
            gain.masked_fill_(held, Kept(double.NegativeInfinity));
        return state.DivideByTemperature(gain, 2 * temperature).flatten(1).log_softmax(1);
    }

    private static (Tensor Proposal, Tensor Back) Flip(Tensor x, Tensor change)
    {
        Tensor flat = x.flatten(1);
        Tensor flipped = flat.gather(1, change).neg_().add_(Kept(1), Kept(1));
        return (flat.scatter(1, change, flipped).view(x.shape), change);
    }

    private static (Tensor Proposal, Tensor Back) Recategorise(Tensor x, Tensor change)
    {
        long categories = x.shape[^1];
        Tensor byVariable = x.reshape(x.shape[0], -1, categories);
        Tensor variable = change.div(Kept(categories), RoundingMode.floor), category = change.remainder(Kept(categories));
        Tensor chosen = arange(Kept(0L), Kept(byVariable.shape[1]), Kept(1L), device: x.device).eq(variable).unsqueeze(2);
        Tensor one = arange(Kept(0L), Kept((long)categories), Kept(1L), device: x.device).eq(category).unsqueeze(1).to(x.dtype);
        Tensor before = byVariable.argmax(2).gather(1, variable);
        return (where(chosen, one, byVariable).view(x.shape), variable.mul(Kept(categories)).add_(before, Kept(1)));
    }
}
