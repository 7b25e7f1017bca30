using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// One transition rule of Markov chains. The step counter and all that a chain must find again are in the state, so a kernel may serve one state
/// after another; there is no loop in it: progress, cancel, thinning and checkpoints are written once, around it.
/// </summary>
public interface IKernel
{
    /// <summary>Takes ownership of the tensors of the start; the answer belongs to the caller.</summary>
    ChainState Init(ChainStartPoints start);

    /// <summary>
    /// Advances every chain by one step in place, or by a part of it: <paramref name="isSpent"/> is asked between any two gradients (of a bounded
    /// number of rows), and where it says so the step stays open, to be gone on with by the next call. The bits don't depend on where that was.
    /// </summary>
    /// <param name="state">Made by <see cref="Init"/>; may have been saved and restored in the middle of a step.</param>
    /// <param name="generator">The block's own.</param>
    /// <param name="isSpent">Whether something else is due.</param>
    /// <returns>Whether the step is complete; <see cref="KernelSteps.TryStep"/> counts it then.</returns>
    bool Advance(ChainState state, Generator generator, Func<bool> isSpent);
}

/// <summary>Whole steps of a kernel.</summary>
public static class KernelSteps
{
    private static readonly Func<bool> Never = () => false;

    /// <summary>Advances every chain by one step; to the end of the open one where there is one.</summary>
    public static void Step(this IKernel kernel, ChainState state, Generator generator) => kernel.TryStep(state, generator, Never);

    /// <summary>Goes on with the open step, or begins one.</summary>
    /// <returns>Whether the step is complete and counted; false when it was left open because <paramref name="isSpent"/> said so.</returns>
    public static bool TryStep(this IKernel kernel, ChainState state, Generator generator, Func<bool> isSpent)
    {
        if (!kernel.Advance(state, generator, isSpent))
            return false;
        state.CloseStep();
        return true;
    }
}
