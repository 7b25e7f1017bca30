using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>What the recipe's clips and clamps do.</summary>
public sealed class SgldKernelTests
{
    [Fact]
    public void Step_ValueClip_BoundsTheMove()
    {
        using IEnergyModel model = ChainRunner.Quadratic(100);
        var recipe = new SgldRecipe { Steps = 1, StepSize = 2, Noise = 0, GradientClip = new(GradientClipKind.Value, 0.03) };

        (float[] x, _) = ChainRunner.Run(model, recipe, 1, 1, 1, 1);

        Assert.Equal(1 - 2 * 0.03f, x[0], 1e-6f);
    }

    [Fact]
    public void Step_NormClip_ScalesTheWholeGradient()
    {
        using IEnergyModel model = ChainRunner.Quadratic(1, 2);
        var recipe = new SgldRecipe { Steps = 1, StepSize = 1, Noise = 0, GradientClip = new(GradientClipKind.Norm, 0.5) };

        (float[] x, _) = ChainRunner.Run(model, recipe, 1, 2, 3, 1);

        Assert.Equal(3 - 0.5f / MathF.Sqrt(2), x[0], 1e-5f);
    }

    [Fact]
    public void Step_Clamp_KeepsTheBox()
    {
        using IEnergyModel model = ChainRunner.Quadratic(1);
        var recipe = new SgldRecipe { Steps = 50, StepSize = 0.1, Noise = 5, StateClamp = new(StateClampKind.Range, -0.5, 0.25) };

        (float[] x, _) = ChainRunner.Run(model, recipe, 200, 1, 0, 1);

        Assert.InRange(x.Min(), -0.5f, -0.49f);
        Assert.InRange(x.Max(), 0.24f, 0.25f);
    }

    [Theory]
    [InlineData(UpdateOrder.GradientFirst)]
    [InlineData(UpdateOrder.NoiseFirst)]
    public void Step_EnergyInfiniteOutsideABox_FreezesInsideIt(UpdateOrder order)
    {
        using var model = new BoxedEnergy();
        var recipe = new SgldRecipe { Steps = 200, StepSize = 0.01, Noise = 0.4, Order = order };

        (float[] x, bool[] alive) = ChainRunner.Run(model, recipe, 50, 1, 0, 1);

        Assert.DoesNotContain(true, alive);
        Assert.All(x, value => Assert.InRange(value, -1f, 1f));
        Assert.True(x.Distinct().Count() > 40);
    }

    private sealed class BoxedEnergy() : EnergyModel(new Dictionary<string, Tensor>())
    {
        public override Tensor Energy(Tensor x, Tensor? labels = null)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor outside = x.abs().amax([1]).gt(1);
            return x.square().sum(1).masked_fill(outside, float.PositiveInfinity).MoveToOuterDisposeScope();
        }
    }
}
