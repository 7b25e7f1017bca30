using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Ood;

/// <summary>Noise-free steps of a model's own recipe: a row's way depends on the row alone.</summary>
internal static class ChainDescent
{
    /// <summary>Steps behind the scores of chains.</summary>
    public const int Steps = 10;

    /// <returns>The inputs after so many steps; belongs to the caller's scope.</returns>
    public static Tensor Descend(IEnergyModel model, ModelDescriptor descriptor, Tensor x, int steps)
    {
        SgldRecipe recipe = SamplingSpecFactory.FindRecipe(descriptor, descriptor.DefaultRecipe)! with { Noise = 0, Temperature = null };
        using IDisposable gradients = enable_grad();
        using var generator = new Generator(0UL, x.device);
        var kernel = new SgldKernel(model, recipe, steps);
        using ChainState state = kernel.Init(new ChainStartPoints(x.clone()));
        for (int step = 0; step < steps; step++)
            kernel.Step(state, generator);
        return state.X.clone();
    }

    /// <summary>The scores of <see cref="OodScorer.Chain"/>.</summary>
    public static (float[] Displacement, float[] Drop) Score(IEnergyModel model, ModelDescriptor descriptor, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor moved = Descend(model, descriptor, x, Steps);
        using IDisposable noGradient = no_grad();
        Tensor distance = moved.sub(x).flatten(1).norm(1).neg();
        Tensor drop = model.Energy(moved).sub(model.Energy(x));
        return (distance.to(ScalarType.Float32).ToFloats(), drop.to(ScalarType.Float32).ToFloats());
    }
}
