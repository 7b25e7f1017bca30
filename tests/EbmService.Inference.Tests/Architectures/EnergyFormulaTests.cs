using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Architectures.Gaussian;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>Energies of single families against their formulas.</summary>
public sealed class EnergyFormulaTests
{
    [Fact]
    public void Energy_Jem_IsMinusLogSumExpOfLogitsAndMinusTheLabelsLogit()
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create("conv-jem");
        double[] logits = sut.Logits(x)!.data<double>().ToArray();
        Tensor labels = tensor(new long[] { 2, 0, 1 });

        double[] marginal = sut.Energy(x).data<double>().ToArray();
        double[] joint = sut.Energy(x, labels).data<double>().ToArray();

        for (int row = 0; row < 3; row++)
        {
            double logSum = Math.Log(Enumerable.Range(0, 3).Sum(y => Math.Exp(logits[row * 3 + y])));
            Assert.Equal(-logSum, marginal[row], 1e-5);
        }
        Assert.Equal([-logits[2], -logits[3], -logits[7]], joint);
        sut.Dispose();
    }

    [Fact]
    public void Energy_Gaussian_IsTheQuadraticForm()
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel sut = EnergyModelFactory.Create(
            new GaussianSpec([1, -1], [[2, 0.5], [0.5, 1]]), new Dictionary<string, Tensor>());

        // (x - m) = (2, 1): (2*4 + 2*0.5*2*1 + 1*1) / 2 = 5.5.
        Assert.Equal(5.5, sut.Energy(tensor(new[] { 3f, 0f }, [1, 2])).item<double>());
    }

    [Fact]
    public void Energy_DoubleWell_IsZeroInTheWellsAndTheBarrierBetween()
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel sut = EnergyModelFactory.Create(new DoubleWellSpec(Barrier: 3, Wells: 2), new Dictionary<string, Tensor>());

        double[] energy = sut.Energy(tensor(new[] { 2f, -2f, 0f, 2f }, [2, 2])).data<double>().ToArray();

        Assert.Equal([0.0, 3.0], energy);
    }

    [Fact]
    public void ParameterShapes_ConvolutionalJem_FollowTheLayers()
    {
        var architecture = new ConvJemSpec([new(16, 3), new(32, 4, 2)], 10);

        IReadOnlyDictionary<string, long[]> shapes = EnergyModelFactory.ParameterShapes(
            architecture, new InputSchema(InputKind.Image, [1, 28, 28], -1, 1));

        Assert.Equal([32, 16, 4, 4], shapes["layers.1.weight"]);
        Assert.Equal([10, 32 * 14 * 14], shapes["head.weight"]);
    }
}
