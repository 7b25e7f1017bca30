using EbmService.Core.Sampling;
using EbmService.Inference.Energies;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Energies;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>What every kernel promises. A new kernel, or recipe variant, gets a case here.</summary>
public sealed class KernelContractTests
{
    private const int Steps = 30;

    public static TheoryData<string> Cases =>
        ["sgld", "sgld-noise-first", "sgld-value-clip", "sgld-norm-clip", "sgld-clamp", "sgld-polynomial", "sgld-cosine", "sgld-temperature"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_SameSeed_GivesTheSameBits(string name) => Assert.Equal(Run(name, seed: 1), Run(name, seed: 1));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_OtherSeed_GivesOtherPoints(string name) => Assert.NotEqual(Run(name, seed: 1), Run(name, seed: 2));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_ConvolutionalModelWithLabels_StaysFinite(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel model, Tensor x) = EnergyCases.Create("conv-jem");
        using var generator = new Generator(4UL);
        IKernel sut = Create(name, model);
        using ChainState state = sut.Init(new ChainStartPoints(x, tensor(new long[] { 0, 1, 2 })));

        for (int step = 0; step < Steps; step++)
            sut.Step(state, generator);

        Assert.Equal(Steps, state.Step);
        Assert.True(state.X.isfinite().all().ToBoolean());
        Assert.True(state.Alive.all().ToBoolean());
        Assert.True(state.GradientNorm.gt(0).all().ToBoolean());
        model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_Repeated_KeepsNoTensors(string name)
    {
        using IEnergyModel model = ChainRunner.Quadratic(1, 2);
        using var generator = new Generator(4UL);
        IKernel sut = Create(name, model);
        using ChainState state = sut.Init(new ChainStartPoints(ones(5, 2)));
        sut.Step(state, generator);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int step = 0; step < Steps; step++)
            sut.Step(state, generator);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_GeneratorStateRestored_RepeatsToTheBit(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = ChainRunner.Quadratic(1, 2);
        using var generator = new Generator(4UL);
        IKernel sut = Create(name, model);
        using ChainState state = sut.Init(new ChainStartPoints(ones(5, 2)));
        sut.Step(state, generator);
        Tensor saved = generator.get_state();
        Tensor at = state.X.clone();

        sut.Step(state, generator);
        float[] once = state.X.data<float>().ToArray();
        generator.set_state(saved);
        state.X.copy_(at);
        state.Step = 1;
        sut.Step(state, generator);

        Assert.Equal(once, state.X.data<float>().ToArray());
    }

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

    private static float[] Run(string name, ulong seed)
    {
        using IEnergyModel model = ChainRunner.Quadratic(1, 2);
        return ChainRunner.Run(model, Recipe(name), 7, 2, 0.5f, seed).X;
    }

    private static IKernel Create(string name, IEnergyModel model) => new SgldKernel(model, Recipe(name), Steps);

    private static SgldRecipe Recipe(string name)
    {
        var plain = new SgldRecipe { Steps = Steps, StepSize = 0.1, Noise = 0.1 };
        return name switch
        {
            "sgld" => plain,
            "sgld-noise-first" => plain with { Order = UpdateOrder.NoiseFirst },
            "sgld-value-clip" => plain with { GradientClip = new(GradientClipKind.Value, 0.05) },
            "sgld-norm-clip" => plain with { GradientClip = new(GradientClipKind.Norm, 0.05) },
            "sgld-clamp" => plain with { StateClamp = new(StateClampKind.Range, -1, 1) },
            "sgld-polynomial" => plain with { Schedule = new(ScheduleKind.Polynomial, Power: 0.5, Offset: 5) },
            "sgld-cosine" => plain with { Schedule = new(ScheduleKind.Cosine, End: 0.1) },
            "sgld-temperature" => plain with { Noise = null, Temperature = 0.5 },
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }
}
