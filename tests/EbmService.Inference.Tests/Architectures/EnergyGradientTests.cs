using EbmService.Core.Devices;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>Gradients written by hand against autograd, which a model takes when its parameters are being trained.</summary>
public sealed class EnergyGradientTests
{
    public static TheoryData<string> Cases =>
        ["blocked", "colours", "four-channels", "odd", "strided-first", "wide-kernel", "no-padding", "large", "mlp", "mlp-one-layer", "mlp-linear"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_Float32_AgreesWithAutograd(string kind)
    {
        foreach (int rows in new[] { 1, 2, 5 })
        {
            using DisposeScope scope = NewDisposeScope();
            using GradientCase example = GradientCase.Create(kind, rows, ScalarType.Float32);

            (Tensor energy, Tensor gradient) = example.ByHand.EnergyAndGradient(example.X);
            (Tensor expectedEnergy, Tensor expected) = example.ByAutograd.EnergyAndGradient(example.X);

            Assert.Equal(example.X.shape, gradient.shape);
            Assert.True(gradient.is_contiguous());
            Assert.True(energy.allclose(expectedEnergy, 1e-5, 1e-5));
            // Sums of a few hundred terms in another order, and a sigmoid of its own: some ten units in the last place.
            Assert.True(GradientCase.Distance(gradient, expected) < 3e-6, $"{GradientCase.Distance(gradient, expected):E1} off at {rows} rows");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_BFloat16_IsNoFurtherFromFloat32ThanAutograd(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        // Enough numbers that the errors' sizes are no chance.
        int rows = kind.StartsWith("mlp", StringComparison.Ordinal) ? 512 : 16;
        using GradientCase exact = GradientCase.Create(kind, rows, ScalarType.Float32);
        using GradientCase coarse = GradientCase.Create(kind, rows, ScalarType.BFloat16);
        Tensor truth = exact.ByAutograd.EnergyAndGradient(exact.X).Gradient;

        double byHand = GradientCase.Distance(coarse.ByHand.EnergyAndGradient(coarse.X).Gradient, truth);
        double byAutograd = GradientCase.Distance(coarse.ByAutograd.EnergyAndGradient(coarse.X).Gradient, truth);

        // The derivative is rounded once before it is multiplied, once after: a quarter more at most.
        Assert.True(byHand < 1.25 * byAutograd + 1e-6, $"{byHand:E2} by hand, {byAutograd:E2} by autograd");
        Assert.Equal(ScalarType.Float32, coarse.ByHand.EnergyAndGradient(coarse.X).Gradient.dtype);
    }

    [Theory]
    [InlineData("blocked")]
    [InlineData("colours")]
    public void EnergyAndGradient_Labels_AgreesWithAutograd(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using GradientCase example = GradientCase.Create(kind, 4, ScalarType.Float32);
        Tensor labels = tensor(new long[] { 2, 0, 1, 2 });

        (Tensor energy, Tensor gradient) = example.ByHand.EnergyAndGradient(example.X, labels);
        (Tensor expectedEnergy, Tensor expected) = example.ByAutograd.EnergyAndGradient(example.X, labels);

        Assert.True(energy.allclose(expectedEnergy, 1e-5, 1e-5));
        Assert.True(GradientCase.Distance(gradient, expected) < 3e-6);
    }

    [Theory]
    [InlineData("blocked", ScalarType.Float32)]
    [InlineData("blocked", ScalarType.BFloat16)]
    [InlineData("colours", ScalarType.Float32)]
    public void EnergyAndGradient_WithOtherWorkAtItsSafePoints_KeepsItsBits(string kind, ScalarType precision)
    {
        using DisposeScope scope = NewDisposeScope();
        using GradientCase example = GradientCase.Create(kind, 5, precision);
        Tensor strangers = randn([8, .. example.X.shape[1..]]);
        (Tensor energy, Tensor gradient) = example.ByHand.EnergyAndGradient(example.X);
        byte[] alone = [.. example.ByHand.Energy(strangers).bytes];
        int visits = 0;

        (Tensor visitedEnergy, Tensor visitedGradient) visited;
        using (SafePoint.Admit(Visit))
            visited = example.ByHand.EnergyAndGradient(example.X);

        Assert.True(visits > 2, $"{visits} safe points");
        Assert.Equal([.. energy.bytes], (byte[])[.. visited.visitedEnergy.bytes]);
        Assert.Equal([.. gradient.bytes], (byte[])[.. visited.visitedGradient.bytes]);

        void Visit()
        {
            visits++;
            using DisposeScope visit = NewDisposeScope();
            using IDisposable graph = enable_grad();
            example.ByHand.EnergyAndGradient(strangers);
            Assert.Equal(alone, (byte[])[.. example.ByHand.Energy(strangers).bytes]);
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void EnergyAndGradient_RowAmongOthers_KeepsItsBits(string kind, ScalarType precision, int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        using GradientCase example = GradientCase.Create(kind, rows, precision);
        using var generator = new Generator(9UL);
        Tensor strangers = randn(example.X.shape, generator: generator);
        int place = rows / 2;
        strangers[place].copy_(example.X[place]);
        Tensor moved = example.X.roll(1, 0);

        (Tensor energy, Tensor gradient) = example.ByHand.EnergyAndGradient(example.X);
        (Tensor amongEnergy, Tensor among) = example.ByHand.EnergyAndGradient(strangers);
        (Tensor movedEnergy, Tensor movedGradient) = example.ByHand.EnergyAndGradient(moved);

        Assert.True(gradient[place].eq(among[place]).all().ToBoolean());
        Assert.True(energy[place].eq(amongEnergy[place]).ToBoolean());
        Assert.True(gradient.roll(1, 0).eq(movedGradient).all().ToBoolean());
        Assert.True(energy.roll(1, 0).eq(movedEnergy).all().ToBoolean());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void EnergyAndGradient_AfterRefresh_FollowsTheTrainedParameters(ScalarType precision)
    {
        using DisposeScope scope = NewDisposeScope();
        (ArchitectureSpec architecture, InputSchema input) = GradientCase.Describe("blocked");
        using var generator = new Generator(3UL);
        IReadOnlyDictionary<string, Tensor> trained = EnergyModelFactory.Initialise(architecture, input, generator);
        using IEnergyModel sut = EnergyModelFactory.Frozen(architecture, trained, precision);
        Tensor x = randn([4, 1, 8, 8], generator: generator);
        Tensor before = sut.EnergyAndGradient(x).Gradient;

        foreach (Tensor parameter in trained.Values)
            parameter.mul_(0.5);
        EnergyModelFactory.Refresh(sut, trained);

        using IEnergyModel fresh = EnergyModelFactory.Frozen(architecture, trained, precision);
        Tensor after = sut.EnergyAndGradient(x).Gradient;
        Assert.True(after.eq(fresh.EnergyAndGradient(x).Gradient).all().ToBoolean());
        Assert.False(after.eq(before).all().ToBoolean());
    }

    /// <value>Architectures, precisions and block sizes.</value>
    public static TheoryData<string, ScalarType, int> Rows
    {
        get
        {
            var data = new TheoryData<string, ScalarType, int>();
            foreach (string kind in new[] { "large", "colours", "odd", "mlp" })
            {
                foreach (ScalarType precision in new[] { ScalarType.Float32, ScalarType.BFloat16 })
                {
                    foreach (int rows in new[] { 8, 32 })
                        data.Add(kind, precision, rows);
                }
            }
            return data;
        }
    }
}
