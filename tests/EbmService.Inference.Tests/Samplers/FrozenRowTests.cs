using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>An energy that is infinite, and whose gradient is no number, outside of a box.</summary>
public sealed class FrozenRowTests
{
    public static TheoryData<string> Cases => ["mala", "mala-warmup", "hmc", "hmc-warmup", "underdamped", "psgld", "tempered-mala", "tempered-underdamped", "tempered-ula"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_StartAtNoFiniteEnergy_IsFrozenThereAndOthersAreNot(string name)
    {
        using var model = new BoxedEnergy();
        float[] start = [0.3f, 5, 0.3f, 0.3f, 0.3f, 5];
        SamplingSpec spec = KernelCases.Spec(name) with { StepSize = 0.02 };

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(spec, model), new ChainStartPoints(tensor(start, [6, 1])), 30, 1);

        float[] x = state.X.data<float>().ToArray();
        bool[] alive = state.Alive.data<bool>().ToArray();
        foreach (int row in new[] { 1, 5 })
        {
            Assert.Equal(5, x[row]);
            Assert.False(alive[row]);
        }
        foreach (int row in new[] { 0, 2, 3, 4 })
        {
            Assert.InRange(x[row], -1f, 1f);
            // A proposal outside is rejected by the exact kernels; the unadjusted ones leave the box for good.
            Assert.True(alive[row] || state is not MetropolisState);
            Assert.True(x[row] != 0.3f);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_ManySteps_NeverEndsOutsideTheFiniteEnergies(string name)
    {
        using var model = new BoxedEnergy();

        using ChainState state = ChainRunner.Advance(KernelFactory.Create(KernelCases.Spec(name) with { StepSize = 0.1 }, model), new ChainStartPoints(zeros(60, 1)), 200, 1);

        Assert.All(state.X.data<float>().ToArray(), value => Assert.InRange(value, -1f, 1f));
        Assert.All(state.Energy.data<double>().ToArray(), energy => Assert.True(double.IsFinite(energy)));
        if (state is not MetropolisState)
            Assert.False(state.Alive.all().ToBoolean());
        else
            Assert.True(state.Alive.all().ToBoolean());
    }

    private sealed class BoxedEnergy() : EnergyModel(new Dictionary<string, Tensor>())
    {
        public override Tensor Energy(Tensor x, Tensor? labels = null)
        {
            using DisposeScope scope = NewDisposeScope();
            return x.square().sum(1).masked_fill(x.abs().amax([1]).le(1).logical_not(), float.PositiveInfinity).MoveToOuterDisposeScope();
        }

        public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor gradient = x.mul(2).masked_fill(x.abs().le(1).logical_not(), float.NaN);
            return (Energy(x).MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
        }
    }
}
