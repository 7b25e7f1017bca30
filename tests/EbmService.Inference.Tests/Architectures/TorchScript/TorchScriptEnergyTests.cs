using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.TorchScript;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures.TorchScript;

/// <summary>Modules that PyTorch 1.13 scripted against what PyTorch itself computed with them, and their bits from call to call.</summary>
public sealed class TorchScriptEnergyTests
{
    public static TheoryData<string> Modules => ["classifier", "colour", "energy", "density"];

    public static TheoryData<string> ContinuousKernels => KernelCases.Continuous;

    [Theory]
    [MemberData(nameof(Modules))]
    public void EnergyAndGradient_OfPyTorchsInputs_AreThoseOfPyTorch(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel sut = EnergyCases.Create($"torchscript/{name}").Model;
        Tensor x = TorchScriptFixtures.Numbers($"{name}-inputs.npy");

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);

        Tensor expected = TorchScriptFixtures.Numbers($"{name}-energies.npy").to(ScalarType.Float64);
        Assert.True(energy.allclose(expected, 1e-5, 1e-6));
        Assert.True(sut.Energy(x).allclose(expected, 1e-5, 1e-6));
        Tensor slopes = TorchScriptFixtures.Numbers($"{name}-gradients.npy");
        Assert.Equal(slopes.shape, gradient.shape);
        Assert.True(GradientCase.Distance(gradient, slopes) < 1e-5, $"{GradientCase.Distance(gradient, slopes):E1} off");
    }

    /// <summary>The JIT's profiling executor would compile the module anew after its first calls.</summary>
    [Theory]
    [InlineData("classifier", ScalarType.Float32)]
    [InlineData("classifier", ScalarType.BFloat16)]
    [InlineData("energy", ScalarType.Float32)]
    [InlineData("energy", ScalarType.BFloat16)]
    [InlineData("density", ScalarType.Float32)]
    public void EnergyAndGradient_CallAfterCallInAnyOrderOfShapes_GivesTheSameBits(string name, ScalarType precision)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example($"torchscript/{name}");
        (IEnergyModel shared, Tensor x) = EnergyCases.Create(example, 8);
        using IEnergyModel sut = EnergyCases.In(example, shared, precision);
        byte[] expected = Bits(sut, x);

        for (int call = 0; call < 6; call++)
        {
            sut.EnergyAndGradient(x.narrow(0, 0, 1 + call)).Energy.Dispose();
            Assert.Equal(expected, Bits(sut, x));
        }
    }

    /// <summary>A query's rows lie anywhere in a tile of eight.</summary>
    [Theory]
    [MemberData(nameof(Modules))]
    public void EnergyAndGradient_RowInAnotherPlace_KeepsItsBits(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(EnergyCases.Example($"torchscript/{name}"), 8);
        byte[] expected = Bits(sut, x);

        for (int places = 1; places < 8; places++)
        {
            (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x.roll(places, 0));
            Assert.Equal(expected, (byte[])[.. energy.roll(-places, 0).bytes, .. gradient.roll(-places, 0).bytes, .. sut.Energy(x).bytes]);
        }
        sut.Dispose();
    }

    [Fact]
    public void EnergyAndGradient_OnTwoThreadsAtOnce_GivesTheBitsOfOne()
    {
        ArchitectureExample example = EnergyCases.Example("torchscript/classifier");
        (IEnergyModel shared, Tensor x) = EnergyCases.Create(example, 40);
        byte[][] found = new byte[2][];

        Thread[] threads = [.. Enumerable.Range(0, 2).Select(thread => new Thread(() => found[thread] = All()))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();

        Assert.Equal(found[0], found[1]);
        Assert.Equal(found[0], All());
        shared.Dispose();

        byte[] All()
        {
            set_num_threads(1);
            using DisposeScope scope = NewDisposeScope();
            return [.. Enumerable.Range(1, 40).SelectMany(rows => Bits(shared, x.narrow(0, 0, rows)))];
        }
    }

    [Fact]
    public void EnergyAndGradient_FrozenModule_IsThatOfItsConstants()
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example("torchscript/energy");
        using IEnergyModel sut = EnergyModelFactory.Load(
            example.Spec, example.Input, TorchScriptFixtures.Bytes("frozen.pt"), ScalarType.Float32, CPU);
        using var generator = new Generator(3UL);
        Tensor x = randn([4, 3], generator: generator), step = randn([4, 3], generator: generator).mul(1e-2);

        double slope = sut.Energy(x + step).sub(sut.Energy(x - step)).sum().ToDouble() / 2;

        Assert.Equal(slope, sut.EnergyAndGradient(x).Gradient.mul(step).sum().ToDouble(), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void EnergyAndGradient_RowByRow_AreThoseOfEachRowAlone(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        var spec = (TorchScriptSpec)EnergyCases.Example($"torchscript/{name}").Spec;
        using var sut = new TorchScriptEnergy(
            spec, TorchScriptModule.Load(TorchScriptFixtures.Bytes($"{name}.pt"), ScalarType.Float32, CPU), byRow: true);
        Tensor x = TorchScriptFixtures.Numbers($"{name}-inputs.npy");

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);

        for (int row = 0; row < x.shape[0]; row++)
        {
            (Tensor alone, Tensor gradientAlone) = sut.EnergyAndGradient(x.narrow(0, row, 1));
            Assert.True(energy[row].eq(alone[0]).ToBoolean());
            Assert.True(gradient[row].eq(gradientAlone[0]).all().ToBoolean());
        }
        Assert.True(GradientCase.Distance(gradient, TorchScriptFixtures.Numbers($"{name}-gradients.npy")) < 1e-5);
    }

    [Fact]
    public void Energy_WithLabels_IsMinusThatLogit()
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create("torchscript/colour");
        Tensor labels = tensor(new long[] { 5, 0, 2 });

        Tensor energy = sut.EnergyAndGradient(x, labels).Energy;

        Assert.True(energy.eq(sut.Logits(x)!.gather(1, labels.unsqueeze(1)).squeeze(1).neg()).all().ToBoolean());
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(ContinuousKernels))]
    public void Step_EveryContinuousKernel_AdvancesToTheSameBitsTwice(string kernel)
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = EnergyCases.Create("torchscript/energy").Model;

        using ChainState once = Advance(), twice = Advance();

        Assert.True(once.Alive.all().ToBoolean());
        Assert.False(once.X.eq(0.5).all().ToBoolean());
        Assert.Equal(once.X.bytes.ToArray(), twice.X.bytes.ToArray());

        ChainState Advance() => ChainRunner.Advance(
            KernelCases.Create(kernel, model), new ChainStartPoints(full([6, 3], 0.5f)), KernelCases.Steps, 5);
    }

    private static byte[] Bits(IEnergyModel model, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(x);
        return [.. energy.bytes, .. gradient.bytes, .. model.Energy(x).bytes];
    }
}
