using EbmService.Inference.Checkpoints;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tasks;

/// <summary>What a kernel counted since the warm-up, over a block's rows.</summary>
/// <param name="Acceptance">Mean acceptance probability; null for kernels that accept everything, and before there is a step to speak of.</param>
/// <param name="DivergentTransitions">Null for kernels without the notion.</param>
internal readonly record struct ChainCounts(double? Acceptance, long? DivergentTransitions)
{
    public static ChainCounts Of(ChainState state, int warmup)
    {
        using DisposeScope scope = NewDisposeScope();
        int steps = state.Step - warmup;
        double? acceptance = steps > 0 && state.AcceptanceSum is { } sum
            ? sum.to(ScalarType.Float64).mean().ToDouble() / steps
            : null;
        return new(acceptance, state.DivergentTransitions?.sum().ToInt64());
    }

    /// <summary>The step size that a kernel has adapted to; null for kernels that don't.</summary>
    public static double? StepSize(ChainState state) => state.StepSize?.Current.ToFloats()[0];

    /// <summary>Mean acceptance of swaps between each temperature and the next; empty without replica exchange, NaN where none was tried.</summary>
    public static float[] SwapAcceptance(ChainState state)
    {
        using DisposeScope scope = NewDisposeScope();
        return state is { SwapAcceptanceSum: { } sum, SwapAttempts: { } attempts } ? sum.div(attempts).ToFloats() : [];
    }
}
