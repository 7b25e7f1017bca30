using System.Buffers.Binary;
using System.Text;
using EbmService.Inference.Formats;

namespace EbmService.Inference.Tests.Formats;

public sealed class SafetensorsFileTests
{
    [Fact]
    public void Write_TwoTensors_GivesTheCanonicalBytes()
    {
        var tensors = new Dictionary<string, SafetensorsTensor>
        {
            ["b"] = new SafetensorsTensor(SafetensorsDtype.U8, [1], new byte[] { 7 }),
            ["a"] = SafetensorsTensor.FromFloats([1f], [1, 1]),
        };

        byte[] bytes = SafetensorsFile.Write(tensors);

        const string Header =
            """{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}""";
        int padded = (Header.Length + 7) / 8 * 8;
        Assert.Equal(padded, (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        Assert.Equal(Header.PadRight(padded), Encoding.ASCII.GetString(bytes, 8, padded));
        Assert.Equal([0, 0, 0x80, 0x3f, 7], bytes[(8 + padded)..]);
    }

    [Fact]
    public void Read_OwnBytes_GivesTheSameTensorsAndMetadata()
    {
        var tensors = new Dictionary<string, SafetensorsTensor>
        {
            ["layer.0.weight"] = SafetensorsTensor.FromFloats([1, -2, 3.5f, float.Epsilon, 0, 6], [2, 3]),
            ["labels"] = SafetensorsTensor.FromInt64([0, long.MinValue, 9], [3]),
            ["scalar"] = SafetensorsTensor.FromFloats([42], []),
            ["empty"] = SafetensorsTensor.FromFloats([], [0, 5]),
            ["name with \"quotes\" and ü"] = new SafetensorsTensor(SafetensorsDtype.U8, [2], new byte[] { 1, 2 }),
        };

        SafetensorsFile sut = SafetensorsFile.Read(SafetensorsFile.Write(tensors, new Dictionary<string, string> { ["seed"] = "7" }));

        Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), sut.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, SafetensorsTensor tensor) in tensors)
        {
            Assert.Equal(tensor.Dtype, sut[name].Dtype);
            Assert.Equal(tensor.Shape, sut[name].Shape);
            Assert.Equal(tensor.Data.ToArray(), sut[name].Data.ToArray());
        }
        Assert.Equal("7", sut.Metadata["seed"]);
        Assert.Equal([0, long.MinValue, 9], sut["labels"].ToInt64());
    }

    [Fact]
    public void WriteFile_OverAnOldFile_ReplacesItAndLeavesNoTemporary()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("weights.safetensors");
        SafetensorsFile.WriteFile(path, new Dictionary<string, SafetensorsTensor>());
        SafetensorsFile.WriteFile(path, new Dictionary<string, SafetensorsTensor> { ["w"] = SafetensorsTensor.FromFloats([3], [1]) });

        Assert.Equal([3f], SafetensorsFile.ReadFile(path)["w"].ToFloats());
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void ReadFile_LargerThanAllowed_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string path = folder.WriteFile("big", new byte[100]);

        Assert.Contains("more than the 99 allowed",
            Assert.Throws<InvalidCheckpointException>(() => SafetensorsFile.ReadFile(path, 99)).Message);
    }

    [Fact]
    public void Write_ShapeThatDoesNotFitTheBytes_Throws() =>
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Write(new Dictionary<string, SafetensorsTensor>
        {
            ["w"] = new(SafetensorsDtype.F32, [2], new byte[4]),
        }));

    [Fact]
    public void Item_UnknownName_SaysWhich() =>
        Assert.Contains("'w'", Assert.Throws<InvalidCheckpointException>(() => new SafetensorsFile(
            new Dictionary<string, SafetensorsTensor>(), new Dictionary<string, string>())["w"]).Message);
}
