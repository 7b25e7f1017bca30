using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Energies;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>Runs a kernel for tests.</summary>
internal static class ChainRunner
{
    /// <summary>Final points of chains that all start at <paramref name="start"/>, and which are alive.</summary>
    public static (float[] X, bool[] Alive) Run(
        IEnergyModel model, SgldRecipe recipe, int chains, int dimension, float start, ulong seed)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var sut = new SgldKernel(model, recipe, recipe.Steps);
        using ChainState state = sut.Init(new ChainStartPoints(full([chains, dimension], start)));
        for (int step = 0; step < recipe.Steps; step++)
            sut.Step(state, generator);
        return (state.X.data<float>().ToArray(), state.Alive.data<bool>().ToArray());
    }

    /// <summary>E = k x^2 / 2 in every dimension.</summary>
    public static IEnergyModel Quadratic(double k, int dimension = 1)
    {
        double[][] precision = [.. Enumerable.Range(0, dimension).Select(i => Enumerable.Range(0, dimension).Select(j => i == j ? k : 0).ToArray())];
        return EnergyModelFactory.Create(new GaussianArchitecture(new double[dimension], precision), new Dictionary<string, Tensor>());
    }
}
