using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Blocked Gibbs (Geman and Geman 1984; blocks as in Jensen et al. 1995): a step draws every block once from its conditional given the rest, in
/// the model's order. Its exact target is the model's <see cref="IBlockConditionals.LogDensity"/> at 1/T and nothing is rejected. Replicas are drawn a temperature at a
/// time. The gradient is taken for the report only.
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
        // Phase 1 + k: k draws are done, of each block all temperatures.
        int levels = chains.Replicas?.Ladder.Count ?? 1;
        while (chains.Phase <= model.Blocks * levels)
        {
            int draw = chains.Phase++ - 1;
            Resample(chains, draw / levels, draw % levels, generator);
            if (isSpent())
                return false;
        }
        if (pass.Take(chains, chains.Proposal, isSpent) is not { } taken)
            return false;
        chains.MoveAll(chains.Proposal, taken.Energy, chains.ZeroHeld(taken.Gradient));
        return true;
    }

    private void Resample(CachedGradientState chains, int block, int level, Generator generator)
    {
        double temperature = plan.TemperatureAt(chains.Step);
        if (chains.Replicas is not { } replicas)
        {
            model.Resample(chains.Proposal, block, temperature, chains.Labels, chains.HeldMask, generator);
            return;
        }
        Tensor rows = replicas.RowsByLevel.select(1, level);
        Tensor x = chains.Proposal.index_select(0, rows);
        model.Resample(x, block, temperature * replicas.Ladder[level], chains.Labels?.index_select(0, rows), chains.HeldMask, generator);
        chains.Proposal.index_copy_(0, rows, x);
    }
}
