using System.Buffers.Binary;
using System.IO.Compression;
using EbmService.Inference.Formats;
using EbmService.Inference.Formats.Checkpoints;

namespace EbmService.Inference.Tests.Formats.Checkpoints;

/// <summary>Hostile and damaged files: each is refused with a reason, and nothing large is allocated first.</summary>
public sealed class TorchCheckpointRefusalTests
{
    /// <value>A pickle and words of the reason.</value>
    public static TheoryData<byte[], string> Pickles => new()
    {
        { new TestPickle().Protocol(2).Global("os", "system").Text("id").Raw(0x85).Op('R').Stop(), "'os.system'" },
        { new TestPickle().Protocol(2).Global("builtins", "eval").Stop(), "'builtins.eval'" },
        { new TestPickle().Protocol(4).Text("a\u001b[2J").Text("b").Raw(0x93).Stop(), "'a?[2J.b'" },
        { new TestPickle().Protocol(4).Text("posix").Text("system").Raw(0x93).Stop(), "'posix.system'" },
        { new TestPickle().Protocol(2).Global("torch._utils", "_rebuild_tensor_v3").Stop(), "_rebuild_tensor_v3" },
        { new TestPickle().Protocol(2).Global("torch", "FloatStorage").Op(')').Op('R').Stop(), "StorageType" },
        { new TestPickle().Protocol(2).Mark().Raw("ios\nsystem\n"u8.ToArray()).Stop(), "INST" },
        { new TestPickle().Protocol(2).Mark().Op('o').Stop(), "OBJ" },
        { new TestPickle().Protocol(2).EmptyDict().Op(')').Raw(0x81).Stop(), "NEWOBJ" },
        { new TestPickle().Protocol(2).Raw(0x82, 1).Stop(), "EXT1" },
        { new TestPickle().Protocol(5).Raw(0x97).Stop(), "NEXTBUFFER" },
        { new TestPickle().Protocol(2).Raw(0xff).Stop(), "0xff" },
        { new TestPickle().Protocol(1).EmptyDict().Stop(), "protocol" },
        { new TestPickle().EmptyDict().Stop(), "protocol" },
        { new TestPickle().Protocol(2).Text("x").Text("y").Op('b').Stop(), "BUILD" },
        { new TestPickle().Protocol(2).EmptyDict().Text("x").Op('b').Stop(), "BUILD" },
        { new TestPickle().Protocol(2).Text("x").Op('Q').Stop(), "BINPERSID" },
        { new TestPickle().Protocol(2).Op(')').Op('Q').Stop(), "no storage" },
        { new TestPickle().Protocol(2).Op('h').Raw(9).Stop(), "memo" },
        { new TestPickle().Protocol(2).Op('t').Stop(), "mark" },
        { new TestPickle().Protocol(2).Op('s').Stop(), "stack" },
        { new TestPickle().Protocol(2).Stop(), "stack" },
        { new TestPickle().Protocol(2).EmptyDict().EmptyDict().Stop(), "left over" },
        { new TestPickle().Protocol(2).EmptyDict().Op(')').Op('N').Op('s').Stop(), "key" },
        { new TestPickle().Protocol(2).Raw(0x8a, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1).Stop(), "64 bits" },
        { new TestPickle().Protocol(2).Op('X').Raw(1, 0, 0, 0, 0xff).Stop(), "UTF-8" },
        { new TestPickle().Protocol(2).Op('X').Raw(0xff, 0xff, 0xff, 0xff).Stop(), "truncated" },
        { new TestPickle().Protocol(2).Number(1).Stop(), "no dict" },
    };

    /// <value>Elements, offset, sizes and strides of a tensor over a storage of 6 floats, and words of the reason.</value>
    public static TheoryData<int, int, int[], int[], string> Views => new()
    {
        { 6, 0, [2, 3], [3, 2], "reaches element 7 of a storage of 6" },
        { 6, 1, [6], [1], "reaches element 6" },
        { 6, -1, [6], [1], "negative" },
        { 6, 0, [-6], [1], "negative" },
        { 6, 0, [6], [-1], "negative" },
        { 6, 0, [6], [1, 1], "strides" },
        { 6, 0, [2147483647, 2147483647, 2147483647], [0, 0, 0], "overflows" },
        { 6, 0, [2147483647, 2147483647], [2147483647, 2147483647], "reaches" },
        { 5, 0, [5], [1], "24 bytes" },
        { 2000000000, 0, [6], [1], "24 bytes" },
        { -1, 0, [6], [1], "24 bytes" },
    };

    [Theory]
    [MemberData(nameof(Pickles))]
    public void Read_Pickle_IsRefusedByName(byte[] pickle, string reason) => Assert.Contains(reason, Refusal(TestArchive.Zip(pickle)));

    [Theory]
    [MemberData(nameof(Views))]
    public void Read_ViewBeyondItsStorage_IsRefused(int count, int offset, int[] shape, int[] strides, string reason) =>
        Assert.Contains(reason, Refusal(
            TestArchive.Zip(TestArchive.TensorPickle(count, offset, shape, strides), ("a/data/0", new byte[24]))));

    [Fact]
    public void Read_StorageThatIsMissing_IsRefused() =>
        Assert.Contains("lacks the storage '0'", Refusal(TestArchive.Zip(TestArchive.TensorPickle(6, 0, [6], [1]))));

    [Fact]
    public void Read_HugeExpandedTensor_IsRefusedBeforeItIsAllocated()
    {
        CheckpointGroup sut = TorchCheckpoint.Read(TestArchive.Zip(
            TestArchive.TensorPickle(6, 0, [2000000000, 1000], [0, 0]), ("a/data/0", new byte[24])));

        Assert.Contains("larger than", Assert.Throws<InvalidCheckpointException>(() => sut.Tensors["t"].Read()).Message);
    }

    [Fact]
    public void Read_ZipBomb_IsRefusedBeforeItIsInflated()
    {
        byte[] zip = TestArchive.Zip(CompressionLevel.SmallestSize, ("a/data.pkl", new byte[10_000_000]));

        Assert.Contains("zip bomb", Refusal(zip));
    }

    [Fact]
    public void Read_CompressedArchive_IsRead()
    {
        byte[] pickle = TestArchive.TensorPickle(6, 0, [6], [1]);

        CheckpointGroup sut = TorchCheckpoint.Read(
            TestArchive.Zip(CompressionLevel.Optimal, ("a/data.pkl", pickle), ("a/data/0", new byte[24])));

        Assert.Equal(new float[6], sut.Tensors["t"].Read().ToFloats());
    }

    [Fact]
    public void Read_EntriesThatOverlap_AreRefused()
    {
        byte[] zip = TestArchive.Zip(TestArchive.TensorPickle(6, 0, [6], [1]), ("a/data/0", new byte[24]), ("a/data/1", new byte[24]));
        int directory = BinaryPrimitives.ReadInt32LittleEndian(zip.AsSpan(zip.Length - 6));
        for (int at = directory; BinaryPrimitives.ReadUInt32LittleEndian(zip.AsSpan(at)) == 0x02014b50;
            at += 46 + BinaryPrimitives.ReadUInt16LittleEndian(zip.AsSpan(at + 28))
                + BinaryPrimitives.ReadUInt16LittleEndian(zip.AsSpan(at + 30)))
        {
            BinaryPrimitives.WriteInt32LittleEndian(zip.AsSpan(at + 20), zip.Length / 2);
            BinaryPrimitives.WriteInt32LittleEndian(zip.AsSpan(at + 24), zip.Length / 2);
        }

        Assert.Contains("overlap", Refusal(zip));
    }

    [Theory]
    [InlineData("a/data.pkl")]
    [InlineData("a/data/0")]
    public void Read_TwoEntriesOfOneName_AreRefused(string name)
    {
        byte[] pickle = TestArchive.TensorPickle(6, 0, [6], [1]);

        Assert.Contains($"two entries '{name}'", Refusal(TestArchive.Zip(pickle, ("a/data/0", new byte[24]), (name, new byte[24]))));
    }

    [Fact]
    public void Read_DamagedStorage_IsRefusedByItsChecksum()
    {
        byte[] storage = [.. Enumerable.Repeat((byte)7, 24)];
        byte[] zip = TestArchive.Zip(TestArchive.TensorPickle(6, 0, [6], [1]), ("a/data/0", storage));
        zip[zip.AsSpan().IndexOf(storage)] ^= 1;

        CheckpointGroup sut = TorchCheckpoint.Read(zip);

        Assert.Contains("checksum", Assert.Throws<InvalidCheckpointException>(() => sut.Tensors["t"].Read()).Message);
    }

    [Fact]
    public void Read_FileThatIsNoZip_IsRefused() => Assert.Contains("no zip file", Refusal(new byte[100]));

    [Fact]
    public void Read_ZipWithoutPickle_IsRefused() =>
        Assert.Contains("data.pkl", Refusal(TestArchive.Zip(CompressionLevel.NoCompression, ("other", new byte[4]))));

    private static string Refusal(byte[] file) => Assert.Throws<InvalidCheckpointException>(() => TorchCheckpoint.Read(file)).Message;
}
