using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>The accept step of Metropolis and Hastings, for all rows at once.</summary>
internal static class Metropolis
{
    public static void Prepare(ChainState state)
    {
        state.Acceptance = state.Keep("acceptance", zeros(state.Rows, device: state.X.device));
        state.AcceptanceSum = state.Keep("acceptanceSum", zeros(state.Rows, device: state.X.device));
    }

    /// <summary>Accepts or rejects each row's proposal. Proposals that are not finite, or whose energy is not, are rejected; frozen rows stay.</summary>
    /// <param name="logRatio">log of pi(x') q(x | x') / (pi(x) q(x' | x)), (rows); NaN rejects.</param>
    /// <param name="count">Whether the warm-up is over.</param>
    public static void Decide(
        ChainState state, Tensor proposal, Tensor energy, Tensor gradient, Tensor logRatio, Generator generator, bool count)
    {
        // In (0, 1]: the log of 0 would accept anything.
        Tensor uniform = state.Uniform.uniform_(0, 1, generator).neg_().add_(Kept(1), Kept(1)).log_();
        Tensor sound = state.Alive.logical_and(energy.to(ScalarType.Float32).isfinite()).logical_and_(proposal.flatten(1).sum(1).isfinite()).logical_and_(logRatio.isnan().logical_not_());
        Tensor probability = logRatio.clamp(max: Kept(0)).exp_().masked_fill_(sound.logical_not(), Kept(0));
        state.Acceptance!.copy_(probability);
        if (count)
            state.AcceptanceSum!.add_(probability, Kept(1));
        CachedGradient.MoveTo(state, sound.logical_and_(uniform.less(logRatio)), proposal, energy, gradient);
    }
}
