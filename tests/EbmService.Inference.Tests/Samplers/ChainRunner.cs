using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Gaussian;
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

    /// <summary>Starts a kernel and makes some steps; the state is the caller's.</summary>
    public static ChainState Advance(IKernel kernel, ChainStartPoints start, int steps, ulong seed)
    {
        using var generator = new Generator(seed);
        ChainState state = kernel.Init(start);
        for (int step = 0; step < steps; step++)
            kernel.Step(state, generator);
        return state;
    }

    /// <summary>Rows that all start at one point, some of whose numbers are held there.</summary>
    public static ChainStartPoints HeldStart(int rows, int dimension, float[] point, int heldFrom = 0, int heldTo = 1)
    {
        Tensor mask = tensor([.. Enumerable.Range(0, dimension).Select(i => i >= heldFrom && i < heldTo)]);
        float[] values = [.. Enumerable.Repeat(point, rows).SelectMany(one => one)];
        Tensor x = tensor(values, [rows, dimension]);
        return new ChainStartPoints(x, HeldMask: mask, HeldValues: x.clone());
    }

    /// <summary>Mean (1, -2), precision [[2, 1], [1, 2]], covariance [[2, -1], [-1, 2]] / 3.</summary>
    public static IEnergyModel Gaussian() => EnergyModelFactory.Create(
        new GaussianSpec([1, -2], [[2, 1], [1, 2]]), new Dictionary<string, Tensor>());

    /// <summary>E = k x^2 / 2 in every dimension.</summary>
    public static IEnergyModel Quadratic(double k, int dimension = 1)
    {
        double[][] precision = [.. Enumerable.Range(0, dimension).Select(i => Enumerable.Range(0, dimension).Select(j => i == j ? k : 0).ToArray())];
        return EnergyModelFactory.Create(new GaussianSpec(new double[dimension], precision), new Dictionary<string, Tensor>());
    }
}
