using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// The draws of <see cref="BlockedGibbsKernel"/> at temperature 1, or of replicas at theirs, with no gradient taken: for the negative samples of training, which
/// nobody reports on.
/// </summary>
internal sealed class GibbsSweepKernel(IBlockConditionals model) : IKernel
{
    public ChainState Init(ChainStartPoints start) => new(start);

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        // Phase k: k draws are done, of each block all temperatures.
        int levels = state.Replicas?.Ladder.Count ?? 1;
        while (state.Phase < model.Blocks * levels)
        {
            int draw = state.Phase++;
            Resample(state, draw / levels, draw % levels, generator);
            if (isSpent())
                return false;
        }
        return true;
    }

    private void Resample(ChainState state, int block, int level, Generator generator)
    {
        if (state.Replicas is not { } replicas)
        {
            model.Resample(state.X, block, temperature: 1, state.Labels, state.HeldMask, generator);
            return;
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = replicas.RowsByLevel.select(1, level);
        Tensor x = state.X.index_select(0, rows);
        model.Resample(x, block, replicas.Ladder[level], state.Labels?.index_select(0, rows), state.HeldMask, generator);
        state.X.index_copy_(0, rows, x);
    }
}
