using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>What a kernel counted since the warm-up, over a block's living chains; of replicas those at the first temperature, which is the one asked for.</summary>
/// <param name="Acceptance">Mean acceptance probability; null for kernels that accept everything, and before there is a step to speak of.</param>
/// <param name="DivergentTransitions">Null for kernels without the notion.</param>
internal readonly record struct ChainCounts(double? Acceptance, long? DivergentTransitions)
{
    public static ChainCounts Of(ChainState state, int warmup)
    {
        using DisposeScope scope = NewDisposeScope();
        int steps = state.Step - warmup;
        Tensor alive = state.WholeChains(state.Alive);
        double living = alive.sum().ToDouble();
        double? acceptance = steps > 0 && living > 0 && state is MetropolisState { AcceptanceSum: { } sum }
            ? state.Reported(sum).to(ScalarType.Float64).mul(alive).sum().ToDouble() / (living * steps)
            : null;
        long? divergent = state is HmcState { DivergentTransitions: { } transitions } ? state.Reported(transitions).mul(alive).sum().ToInt64() : null;
        return new(acceptance, divergent);
    }

    /// <summary>The step size that a kernel has adapted to; null for kernels that don't.</summary>
    public static double? StepSize(ChainState state) => (state as IAdaptsStepSize)?.StepSize.Current.ToFloats()[0];

    /// <summary>Mean acceptance of swaps between each temperature and the next; empty without replica exchange, NaN where none was tried.</summary>
    public static float[] SwapAcceptance(ChainState state)
    {
        using DisposeScope scope = NewDisposeScope();
        return state.Replicas is { SwapAcceptanceSum: { } sum, SwapAttempts: { } attempts } ? sum.div(attempts).ToFloats() : [];
    }
}
