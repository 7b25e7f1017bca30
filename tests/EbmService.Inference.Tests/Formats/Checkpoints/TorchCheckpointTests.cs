using EbmService.Inference.Formats;
using EbmService.Inference.Formats.Checkpoints;

namespace EbmService.Inference.Tests.Formats.Checkpoints;

/// <summary>What torch.save wrote is read as PyTorch reads it.</summary>
public sealed class TorchCheckpointTests
{
    private static readonly float[] s_eighths = [.. Enumerable.Range(0, 6).Select(i => i / 8f)];

    private static readonly CheckpointGroup s_plain = TorchCheckpoint.Read(PyTorchFixtures.Bytes("formats.pt"));

    private static readonly CheckpointGroup s_nested =
        (CheckpointGroup)TorchCheckpoint.Read(PyTorchFixtures.Bytes("formats-protocol-5.pt")).Values["model_state_dict"]!;

    public static TheoryData<string, long[], float[]> Floats => new()
    {
        { "float", [2, 3], s_eighths },
        { "double", [6], s_eighths },
        { "half", [6], s_eighths },
        { "bfloat16", [6], s_eighths },
        { "parameter", [3], [0, 1, 2] },
        { "transposed", [6, 4], [.. Enumerable.Range(0, 24).Select(i => (float)(i % 4 * 6 + i / 4))] },
        { "inner", [2, 2, 2], [4, 6, 8, 10, 16, 18, 20, 22] },
        { "expanded", [3, 2], [5, 5, 5, 5, 5, 5] },
        { "empty", [0, 3], [] },
    };

    public static TheoryData<string, long[], long[]> Integers => new()
    {
        { "counter", [], [7] },
        { "int", [4], [-2, -1, 0, 1] },
        { "short", [4], [-2, -1, 0, 1] },
        { "char", [4], [-2, -1, 0, 1] },
        { "byte", [3], [253, 254, 255] },
        { "bool", [2], [1, 0] },
    };

    [Theory]
    [MemberData(nameof(Floats))]
    public void Read_FloatsOfEveryKind_AreThoseThatWereSaved(string name, long[] shape, float[] expected)
    {
        foreach (CheckpointGroup sut in (CheckpointGroup[])[s_plain, s_nested])
        {
            SafetensorsTensor tensor = sut.Tensors[name].Read();

            Assert.Equal(SafetensorsDtype.F32, tensor.Dtype);
            Assert.Equal(shape, tensor.Shape);
            Assert.Equal(expected, tensor.ToFloats());
        }
    }

    [Theory]
    [MemberData(nameof(Integers))]
    public void Read_IntegersOfEveryKind_AreThoseThatWereSaved(string name, long[] shape, long[] expected)
    {
        foreach (CheckpointGroup sut in (CheckpointGroup[])[s_plain, s_nested])
        {
            SafetensorsTensor tensor = sut.Tensors[name].Read();

            Assert.Equal(shape, tensor.Shape);
            Assert.Equal(expected, tensor.ToInt64());
        }
    }

    [Fact]
    public void Read_ValuesThatAreNoTensors_AreNamedAndNull()
    {
        CheckpointGroup sut = TorchCheckpoint.Read(PyTorchFixtures.Bytes("formats-protocol-5.pt"));

        Assert.Equal(["epoch", "list", "loss", "model_state_dict", "none"], sut.Values.Keys.Order(StringComparer.Ordinal));
        Assert.All(sut.Values.Where(pair => pair.Key != "model_state_dict"), pair => Assert.Null(pair.Value));
        Assert.Null(s_plain.Values["shape"]);
    }

    [Theory]
    [InlineData("refused-module.pt", "'torch.nn.modules.linear.Linear'")]
    [InlineData("refused-torchscript.pt", "TorchScript")]
    [InlineData("refused-legacy.pt", "before 1.6")]
    public void Read_OtherFilesOfPyTorch_AreRefused(string name, string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidCheckpointException>(() => TorchCheckpoint.Read(PyTorchFixtures.Bytes(name))).Message);
}
