using System.Buffers.Binary;
using System.IO.Compression;
using EbmService.Inference.Data;

namespace EbmService.Inference.Tests.Data;

public sealed class IdxReaderTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadDataset_ImagesAndLabels_ReadsBoth(bool gzip)
    {
        using var folder = new TemporaryFolder();
        string images = folder.WriteFile("images", Pack(Idx([2, 2, 3], [.. Enumerable.Range(0, 12).Select(i => (byte)(20 * i))]), gzip));
        string labels = folder.WriteFile("labels", Pack(Idx([2], [7, 255]), gzip));

        ImageDataset sut = IdxReader.ReadDataset(images, labels);

        Assert.Equal((2, 1, 2, 3), (sut.Count, sut.Channels, sut.Height, sut.Width));
        Assert.Equal([120, 140, 160, 180, 200, 220], sut.Image(1).ToArray());
        Assert.Equal([7, 255], sut.Labels!);
    }

    [Fact]
    public void ReadDataset_CountsThatDiffer_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string images = folder.WriteFile("images", Idx([2, 1, 1], [1, 2]));
        string labels = folder.WriteFile("labels", Idx([3], [1, 2, 3]));

        Assert.Contains("2 images, but 3 labels",
            Assert.Throws<InvalidDatasetException>(() => IdxReader.ReadDataset(images, labels)).Message);
    }

    public static TheoryData<byte[], string> Refused => new()
    {
        { [], "cut short" },
        { [0, 0, 8], "cut short" },
        { Idx([2, 2, 2], new byte[7]), "cut short" },
        { Idx([2, 2, 2], new byte[9]), "longer than its header" },
        { [1, .. Idx([1, 1, 1], [1])[1..]], "two zero bytes" },
        { [0, 0, 0x0d, .. Idx([1, 1, 1], [1])[3..]], "type 0x0d" },
        { [0, 0, 8, 1, .. Idx([1, 1, 1], [1])[4..]], "in 1 dimensions" },
        { Idx([uint.MaxValue, 1, 1], []), "more than 1 GiB" },
        { Idx([65536, 65536, 65536], []), "more than 1 GiB" },
        { Idx([1 << 30, 1, 1], []), "cut short" },
        { Idx([1, 0, 5], []), "without pixels" },
        { Pack(Idx([2, 2, 2], new byte[9]), gzip: true), "longer than its header" },
        { Pack(Idx([2, 2, 2], new byte[7]), gzip: true), "cut short" },
        { Pack(Idx([1 << 30, 1, 1], []), gzip: true), "cut short" },
        { Pack(Idx([2, 2, 2], new byte[8]), gzip: true)[..^4], "damaged" },
        { [.. Pack(Idx([2, 2, 2], new byte[8]), gzip: true)[..^8], 1, 2, 3, 4, 8, 0, 0, 0], "damaged" },
        { [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff], "gzip data is damaged" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void ReadDataset_BadFile_IsRefusedWithTheReason(byte[] content, string reason)
    {
        using var folder = new TemporaryFolder();
        string path = folder.WriteFile("images", content);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Contains(reason, Assert.Throws<InvalidDatasetException>(() => IdxReader.ReadDataset(path)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void ReadDataset_GzipBombBehindASmallHeader_StopsAtTheHeadersLength()
    {
        using var folder = new TemporaryFolder();
        string path = folder.WriteFile("bomb.gz", Pack([.. Idx([1, 1, 1], [1]), .. new byte[100 << 20]], gzip: true));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<InvalidDatasetException>(() => IdxReader.ReadDataset(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void FindMnist_MixedSpellings_FindsAllFour()
    {
        using var folder = new TemporaryFolder();
        folder.WriteFile("train-images-idx3-ubyte.gz", Pack(Idx([1, 1, 1], [9]), gzip: true));
        folder.WriteFile("train-labels-idx1-ubyte", Idx([1], [3]));
        folder.WriteFile("t10k-images.idx3-ubyte", Idx([1, 1, 1], [8]));
        folder.WriteFile("t10k-labels-idx1-ubyte.gz", Pack(Idx([1], [4]), gzip: true));

        MnistFiles sut = DatasetLocator.FindMnist(folder.Path);

        Assert.Equal((9, 3), (sut.ReadTrain().Pixels[0], sut.ReadTrain().Labels![0]));
        Assert.Equal((8, 4), (sut.ReadTest().Pixels[0], sut.ReadTest().Labels![0]));
    }

    [Fact]
    public void FindMnist_MissingFiles_NamesThem()
    {
        using var folder = new TemporaryFolder();
        folder.WriteFile("train-images-idx3-ubyte", []);

        string message = Assert.Throws<InvalidDatasetException>(() => DatasetLocator.FindMnist(folder.Path)).Message;

        Assert.Contains("train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte", message);
        Assert.DoesNotContain(folder.Path, message);
    }

    private static byte[] Idx(uint[] shape, byte[] data)
    {
        var bytes = new byte[4 + 4 * shape.Length + data.Length];
        (bytes[2], bytes[3]) = (8, (byte)shape.Length);
        for (int i = 0; i < shape.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4 + 4 * i), shape[i]);
        data.CopyTo(bytes, 4 + 4 * shape.Length);
        return bytes;
    }

    private static byte[] Pack(byte[] bytes, bool gzip)
    {
        if (!gzip)
            return bytes;
        using var buffer = new MemoryStream();
        using (var stream = new GZipStream(buffer, CompressionLevel.Optimal))
            stream.Write(bytes);
        return buffer.ToArray();
    }
}
