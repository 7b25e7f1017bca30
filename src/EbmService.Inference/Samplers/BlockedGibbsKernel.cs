using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Blocked Gibbs (Geman and Geman 1984; blocks as in Jensen et al. 1995): a step draws every block once from its conditional given the rest, in
/// the model's order. exp(-E/T) is its exact target and nothing is rejected. The gradient is taken for the report only.
/// </summary>
internal sealed class BlockedGibbsKernel(IBlockConditionals model, ChainPlan plan) : IKernel
{
    public ChainState Init(ChainStartPoints start) => CachedGradient.Start(start, model, box: null);

    public void Step(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        double temperature = plan.TemperatureAt(state.Step);
        for (int block = 0; block < model.Blocks; block++)
            model.Resample(state.X, block, temperature, state.Labels, state.HeldMask, generator);
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(state.X, state.Labels);
        CachedGradient.Settle(state, energy, state.ZeroHeld(gradient));
        state.Step++;
    }
}
