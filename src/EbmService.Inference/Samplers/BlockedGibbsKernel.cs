using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Blocked Gibbs (Geman and Geman 1984; blocks as in Jensen et al. 1995): a step draws every block once from its conditional given the rest, in
/// the model's order. exp(-E/T) is its exact target and nothing is rejected. The gradient is taken for the report only.
/// </summary>
internal sealed class BlockedGibbsKernel(IBlockConditionals model, GradientPass pass, ChainPlan plan) : IKernel
{
    public ChainState Init(ChainStartPoints start) => new CachedGradientState(start, box: null);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        var chains = (CachedGradientState)state;
        using DisposeScope scope = NewDisposeScope();
        if (!chains.Begin(pass, isSpent))
            return false;
        if (chains.Phase == 1)
            chains.Proposal.copy_(chains.X);
        // Phase 1 + k: k blocks are drawn.
        while (chains.Phase <= model.Blocks)
        {
            model.Resample(chains.Proposal, chains.Phase++ - 1, plan.TemperatureAt(chains.Step), chains.Labels, chains.HeldMask, generator);
            if (isSpent())
                return false;
        }
        if (pass.Take(chains, chains.Proposal, isSpent) is not { } taken)
            return false;
        chains.MoveAll(chains.Proposal, taken.Energy, chains.ZeroHeld(taken.Gradient));
        return true;
    }
}
