using EbmService.Inference.Architectures;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>Steps that are longer than a quantum: left open between two gradients, saved there, and gone on with.</summary>
public sealed class InterruptionTests
{
    private const int Part = 2;

    public static TheoryData<string> Cases => KernelCases.All;

    /// <summary>All whose gradients can be counted: blocked Gibbs asks more of its model.</summary>
    public static TheoryData<string> Counted => [.. KernelCases.All.Select(row => row.Data).Where(name => !name.Contains("gibbs", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Advance_LeftAndRestoredWheneverItAsks_GivesTheBitsOfAnUndisturbedRun(string name)
    {
        (IEnergyModel model, Func<ChainStartPoints> start) = KernelCases.Problem(name);
        using ChainState undisturbed = ChainRunner.Advance(KernelCases.Create(name, model, Part), start(), KernelCases.Steps, 4);

        int interruptions = 0;
        var generator = new Generator(4UL);
        ChainState state = KernelCases.Create(name, model, Part).Init(start());
        while (state.Step < KernelCases.Steps)
        {
            IKernel sut = KernelCases.Create(name, model, Part);
            if (sut.TryStep(state, generator, () => true))
                continue;
            interruptions++;
            var saved = new SavedChains(state, generator);
            state.Dispose();
            generator.Dispose();
            (state, generator) = (sut.Init(start()), new Generator(99UL));
            saved.Restore(state, generator);
        }

        Assert.InRange(interruptions, 2 * KernelCases.Steps, 30 * KernelCases.Steps);
        Assert.Equal(SavedChains.Bits(undisturbed), SavedChains.Bits(state));
        state.Dispose();
        generator.Dispose();
        model.Dispose();
    }

    /// <summary>What waits for a slot waits for one gradient of a bounded number of rows, whatever the leapfrogs, replicas and rows.</summary>
    [Theory]
    [MemberData(nameof(Counted))]
    public void Advance_BetweenTwoQueries_TakesOneGradientOfAPart(string name)
    {
        (IEnergyModel model, Func<ChainStartPoints> start) = KernelCases.Problem(name);
        using var counting = new CountingEnergy(model);
        using var generator = new Generator(4UL);
        IKernel sut = KernelCases.Create(name, counting, Part);
        using ChainState state = sut.Init(start());

        while (state.Step < 5)
        {
            sut.TryStep(state, generator, Ask);
            // As the workload does after each step.
            Ask();
        }

        bool Ask()
        {
            Assert.InRange(counting.Calls.Count, 0, 1);
            Assert.All(counting.Calls, rows => Assert.InRange(rows, 1, Part));
            counting.Calls.Clear();
            return false;
        }
    }

    [Theory]
    [InlineData(784, 200, new long[] { 64, 64, 64, 8 })]
    [InlineData(2, 1024, new long[] { 1024 })]
    [InlineData(3072, 40, new long[] { 16, 16, 8 })]
    [InlineData(200_000, 20, new long[] { 8, 8, 4 })]
    public void Take_ManyNumbers_AreTakenInBoundedParts(int numbers, int rows, long[] expected)
    {
        using DisposeScope scope = NewDisposeScope();
        using var counting = new CountingEnergy(new SumOfSquares());
        using var state = new ChainState(new ChainStartPoints(ones(rows, numbers)));
        var sut = new GradientPass(counting);

        (Tensor energy, Tensor gradient) = sut.Take(state, state.X, () => false)!.Value;

        Assert.Equal(expected, counting.Calls);
        Assert.Equal([.. Enumerable.Repeat((double)numbers, rows)], energy.data<double>().ToArray());
        Assert.True(gradient.eq(2).all().ToBoolean());
    }

    [Fact]
    public void Take_InParts_IsTheGradientOfTheWholeUpToItsLastBits()
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel model, Tensor x) = EnergyCases.Create("conv-jem");
        using var state = new ChainState(new ChainStartPoints(x.clone(), tensor(new long[] { 0, 1, 2 })));

        (Tensor energy, Tensor gradient) = new GradientPass(model, Part).Take(state, state.X, () => false)!.Value;
        (Tensor whole, Tensor wholeGradient) = model.EnergyAndGradient(x, state.Labels);

        Assert.True(energy.allclose(whole, 1e-5, 1e-6) && gradient.allclose(wholeGradient, 1e-4, 1e-6));
        model.Dispose();
    }

    private sealed class SumOfSquares() : EnergyModel(new Dictionary<string, Tensor>())
    {
        public override Tensor Energy(Tensor x, Tensor? labels = null) => x.square().sum([1], type: ScalarType.Float64);

        public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null) => (Energy(x), x.mul(2));
    }
}
