using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Importing;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Importing;

/// <summary>What PyTorch computed of a checkpoint, an imported model computes too: to 1e-4 relative.</summary>
public sealed class ImportedEnergyTests
{
    private const double Relative = 1e-4;

    public static TheoryData<string> Names => [.. ImportCase.All.Select(each => each.Name)];

    public static TheoryData<string> NamesWithLogits => ["jem", "igebm-classes"];

    [Theory]
    [MemberData(nameof(Names))]
    public void EnergyAndGradient_ImportedModel_AgreesWithPyTorch(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, ImportCase each) = Open(name);
        using Tensor x = Input(name);
        Tensor? labels = each.Labels is null ? null : tensor(each.Labels);

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x, labels);

        AssertClose(PyTorchFixtures.Numbers($"{name}-energies.npy").Values, energy.ToFloats());
        TensorPayload expected = PyTorchFixtures.Numbers($"{name}-gradients.npy");
        Assert.Equal(expected.Shape.Select(size => (long)size), gradient.shape);
        float[] computed = gradient.ToFloats();
        for (int row = 0; row < expected.Rows; row++)
        {
            // As vectors: single numbers of a gradient cancel to nearly 0.
            float[] given = expected.Row(row).ToArray(), own = computed[(row * expected.RowLength)..((row + 1) * expected.RowLength)];
            Assert.InRange(Norm(given.Zip(own, (a, b) => a - b)), 0, Relative * Norm(given));
        }
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(NamesWithLogits))]
    public void Logits_ImportedModel_AgreeWithPyTorch(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, _) = Open(name);
        using Tensor x = Input(name);

        TensorPayload expected = PyTorchFixtures.Numbers($"{name}-logits.npy");
        float[] computed = sut.Logits(x)!.ToFloats();

        Assert.Equal(expected.Values.Length, computed.Length);
        Assert.InRange(Norm(expected.Values.Zip(computed, (a, b) => a - b)), 0, Relative * Norm(expected.Values));
        sut.Dispose();
    }

    [Fact]
    public void Compare_GivenOutputs_SaysHowFarTheyAre()
    {
        ImportCase each = ImportCase.All.Single(item => item.Name == "igebm");
        TensorPayload inputs = PyTorchFixtures.Numbers("igebm-inputs.npy"), outputs = PyTorchFixtures.Numbers("igebm-energies.npy");
        CheckpointImport import = each.Import();

        Assert.InRange(EnergyCheck.Compare(each.Descriptor, import.Weights, inputs, outputs).Largest, 0, Relative);
        outputs.Values[1] *= 1.01f;
        EnergyCheck sut = EnergyCheck.Compare(each.Descriptor, import.Weights, inputs, outputs);

        Assert.Equal(1, sut.Row);
        Assert.InRange(sut.Largest, 0.0098, 0.01);
        Assert.Throws<FormatException>(() => EnergyCheck.Compare(each.Descriptor, import.Weights, inputs, inputs));
        Assert.Throws<FormatException>(() => EnergyCheck.Compare(each.Descriptor, import.Weights, outputs, outputs));
    }

    private static (IEnergyModel Model, ImportCase Case) Open(string name)
    {
        ImportCase each = ImportCase.All.Single(item => item.Name == name);
        return (EnergyModelFactory.Create(
            each.Spec, each.Import().Weights.ToDictionary(pair => pair.Key, pair => pair.Value.ToTensor().DetachFromDisposeScope())), each);
    }

    private static Tensor Input(string name)
    {
        TensorPayload numbers = PyTorchFixtures.Numbers($"{name}-inputs.npy");
        return tensor(numbers.Values, [.. numbers.Shape.Select(size => (long)size)]);
    }

    private static void AssertClose(float[] expected, float[] computed)
    {
        Assert.Equal(expected.Length, computed.Length);
        Assert.All(expected.Zip(computed), pair =>
            Assert.InRange(pair.Second, pair.First - Relative * Math.Abs(pair.First), pair.First + Relative * Math.Abs(pair.First)));
    }

    private static double Norm(IEnumerable<float> values) => Math.Sqrt(values.Sum(value => (double)value * value));
}
