using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>What every kernel promises.</summary>
public sealed class KernelContractTests
{
    public static TheoryData<string> Cases => KernelCases.All;

    public static TheoryData<string> Continuous => KernelCases.Continuous;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_SameSeed_GivesTheSameBits(string name) => Assert.Equal(Run(name, seed: 1), Run(name, seed: 1));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_OtherSeed_GivesOtherPoints(string name) => Assert.NotEqual(Run(name, seed: 1), Run(name, seed: 2));

    [Theory]
    [MemberData(nameof(Continuous))]
    public void Step_ConvolutionalModelWithLabels_StaysFinite(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel model, Tensor x) = EnergyCases.Create("conv-jem");
        using ChainState state = ChainRunner.Advance(
            KernelCases.Create(name, model), new ChainStartPoints(x, tensor(new long[] { 0, 1, 2 })), KernelCases.Steps, 4);

        Assert.Equal(KernelCases.Steps, state.Step);
        Assert.True(state.X.isfinite().all().ToBoolean());
        Assert.True(state.Alive.all().ToBoolean());
        Assert.True(state.GradientNorm.gt(0).all().ToBoolean());
        model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_Repeated_KeepsNoTensors(string name)
    {
        (IEnergyModel model, Func<ChainStartPoints> start) = KernelCases.Problem(name);
        using var generator = new Generator(4UL);
        IKernel sut = KernelCases.Create(name, model);
        using ChainState state = sut.Init(start());
        sut.Step(state, generator);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int step = 0; step < KernelCases.Steps; step++)
            sut.Step(state, generator);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Dispose_AfterSteps_FreesEverything(string name)
    {
        (IEnergyModel model, Func<ChainStartPoints> start) = KernelCases.Problem(name);
        IKernel sut = KernelCases.Create(name, model);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        ChainRunner.Advance(sut, start(), 3, 1).Dispose();

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_RestoredAtAnyStep_GoesOnToTheBit(string name)
    {
        (IEnergyModel model, Func<ChainStartPoints> start) = KernelCases.Problem(name);
        using var generator = new Generator(4UL);
        IKernel sut = KernelCases.Create(name, model);
        using ChainState undisturbed = sut.Init(start());
        var saved = new List<SavedChains>();
        for (int step = 0; step < KernelCases.Steps; step++)
        {
            saved.Add(new SavedChains(undisturbed, generator));
            sut.Step(undisturbed, generator);
        }

        foreach (SavedChains checkpoint in saved)
        {
            using var other = new Generator(99UL);
            IKernel fresh = KernelCases.Create(name, model);
            using ChainState resumed = fresh.Init(start());
            checkpoint.Restore(resumed, other);
            while (resumed.Step < KernelCases.Steps)
                fresh.Step(resumed, other);
            Assert.Equal(SavedChains.Bits(undisturbed), SavedChains.Bits(resumed));
        }
        model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Continuous))]
    public void Step_HeldPart_StaysToTheBit(string name)
    {
        // Outside the box of the clamped cases, and a negative zero.
        float[] held = [-0f, 7.25f];
        using IEnergyModel model = ChainRunner.Gaussian();
        using ChainState state = ChainRunner.Advance(
            KernelCases.Create(name, model), ChainRunner.HeldStart(6, 2, held, heldFrom: 0, heldTo: 1), 20, 3);
        using ChainState other = ChainRunner.Advance(
            KernelCases.Create(name, model), ChainRunner.HeldStart(6, 2, held, heldFrom: 1, heldTo: 2), 20, 3);

        float[] first = state.X.data<float>().ToArray(), second = other.X.data<float>().ToArray();
        for (int row = 0; row < 6; row++)
        {
            Assert.Equal(BitConverter.SingleToInt32Bits(-0f), BitConverter.SingleToInt32Bits(first[2 * row]));
            Assert.Equal(7.25f, second[2 * row + 1]);
            Assert.NotEqual(7.25f, first[2 * row + 1]);
        }
    }

    [Theory]
    [MemberData(nameof(Continuous))]
    public void Step_EnormousStepSize_ReportsItAndStaysFinite(string name)
    {
        using IEnergyModel model = EnergyModelFactory.Create(new DoubleWellSpec(1), new Dictionary<string, Tensor>());
        SamplingSpec spec = KernelCases.Spec(name);
        // Beyond any finite energy in float32; a clip or a clamp keeps the chain sound all the same.
        using ChainState state = ChainRunner.Advance(
            KernelFactory.Create(spec with { StepSize = 1e18, Warmup = 0 }, model), new ChainStartPoints(full([6, 2], 0.5f)), 20, 1);

        Assert.True(state.X.isfinite().all().ToBoolean());
        Assert.False(state.GradientNorm.isnan().any().ToBoolean());
        if (state.AcceptanceSum is { } accepted && spec.StateClamp.Kind == StateClampKind.None)
            Assert.Equal(0, accepted.sum().ToDouble());
        else if (spec.StateClamp.Kind == StateClampKind.None)
            Assert.False(state.Alive.any().ToBoolean());
        if (state.DivergentTransitions is { } divergent && spec.StateClamp.Kind == StateClampKind.None)
            Assert.Equal(120, divergent.sum().ToInt64());
    }

    private static byte[] Run(string name, ulong seed)
    {
        (IEnergyModel model, Func<ChainStartPoints> start) = KernelCases.Problem(name);
        using ChainState state = ChainRunner.Advance(KernelCases.Create(name, model), start(), KernelCases.Steps, seed);
        model.Dispose();
        return SavedChains.Bits(state);
    }
}
