using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// A Markov transition: Init and Step, no loop inside, so that progress, cancel, tracing and checkpoints are written once.
/// </summary>
public interface IKernel
{
    /// <summary>Takes ownership of the tensors of the start; the answer belongs to the caller.</summary>
    ChainState Init(ChainStartPoints start);

    /// <summary>Advances every chain by one step in place.</summary>
    /// <param name="state">Made by <see cref="Init"/>.</param>
    /// <param name="generator">The block's own.</param>
    void Step(ChainState state, Generator generator);
}
