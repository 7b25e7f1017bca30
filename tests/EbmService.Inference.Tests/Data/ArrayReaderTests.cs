using System.IO.Compression;
using System.Text;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Data;
using EbmService.Inference.Tests.Imaging;
using EbmService.Inference.Training;
using SkiaSharp;

namespace EbmService.Inference.Tests.Data;

public sealed class ArrayReaderTests : IDisposable
{
    private static readonly InputSchema Plane = new(InputKind.Vector, [2], -3, 3);
    private static readonly InputSchema Image = new(InputKind.Image, [1, 1, 2], -1, 1);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1,2\n3,4e-1\n", null)]
    [InlineData("a,b\n1,2\n3,0.4\n", null)]
    [InlineData("x,label,y\n1,0,2\n3,5,0.4\r\n", new[] { 0, 5 })]
    [InlineData("\"x\",\"y\"\n\"1\",2\n3,.4", null)]
    [InlineData("\uFEFF1,2\n3,0.4\n", null)]
    public void ReadCsv_Numbers_AreRows(string text, int[]? labels)
    {
        string path = Path.Combine(_folder.Path, "rows.csv");
        File.WriteAllText(path, text);
        ITrainingData data = ArrayReader.ReadCsv(path, Plane);

        Assert.Equal((2, 2, labels is not null), (data.Count, data.RowLength, data.HasLabels));
        Assert.Equal([1, 2, 3, 0.4f], Rows(data));
        Assert.Equal(labels ?? [-1, -1], Enumerable.Range(0, 2).Select(data.Label));
    }

    [Theory]
    [InlineData("1,2,3\n", "3 columns")]
    [InlineData("1,2\n3\n", "line 2 has 1 columns")]
    [InlineData("1,2\n3,four\n", "line 2, column 2: 'four'")]
    [InlineData("1,2\n3,NaN\n", "line 2, column 2")]
    [InlineData("1,2\n3,1e99\n", "line 2, column 2")]
    [InlineData("x,y,label\n1,2,1.5\n", "the label of row 2 is 1.5")]
    [InlineData("x,y,label\n1,2,-1\n", "the label of row 2 is -1")]
    [InlineData("x,y,class\n1,2,1\n", "3 columns")]
    public void ReadCsv_WhatIsNoRow_IsNamed(string text, string part)
    {
        InvalidDatasetException thrown = Assert.Throws<InvalidDatasetException>(() => ArrayReader.ReadCsv(new StringReader(text), Plane));
        Assert.Contains(part, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadNpy_FloatsAndLabels_AreTaken()
    {
        ITrainingData data = ArrayReader.ReadNpy(
            Write("rows.npy", NpyFormat.Write(new TensorPayload([2, 2], [1, 2, 3, 4]))), Write("labels.npy", Int64([7, 0])), Plane);

        Assert.Equal([1, 2, 3, 4], Rows(data));
        Assert.Equal([7, 0], Enumerable.Range(0, 2).Select(data.Label));
    }

    // As in IDX and PNG: black is the minimum of the model's range.
    [Fact]
    public void ReadNpy_BytesOfAnImageModel_AreLevels()
    {
        string path = Write("levels.npy", UInt8([2, 1, 2], [0, 255, 255, 0]));

        Assert.Equal([-1, 1, 1, -1], Rows(ArrayReader.ReadNpy(path, null, Image)));
    }

    [Theory]
    [InlineData("shape")]
    [InlineData("labels")]
    [InlineData("nan")]
    [InlineData("short")]
    public void ReadNpy_WhatDoesNotFit_IsRefused(string kind)
    {
        byte[] rows = kind switch
        {
            "shape" => NpyFormat.Write(new TensorPayload([2, 3], [1, 2, 3, 4, 5, 6])),
            "nan" => NpyFormat.Write(new TensorPayload([1, 2], [1, float.NaN])),
            "short" => NpyFormat.Write(new TensorPayload([2, 2], [1, 2, 3, 4]))[..^4],
            _ => NpyFormat.Write(new TensorPayload([2, 2], [1, 2, 3, 4])),
        };
        string? labels = kind == "labels" ? Write("labels.npy", Int64([1])) : null;

        Assert.Throws<InvalidDatasetException>(() => ArrayReader.ReadNpy(Write("rows.npy", rows), labels, Plane));
    }

    [Fact]
    public void ReadZip_FoldersOfPng_AreClasses()
    {
        byte[] png = TestPng.Encode(2, 2, (x, y) => new SKColor(1, 2, (byte)(x + y)));
        using var zip = new MemoryStream(Zip(("set/3/a.png", png), ("set/10/b.png", png), ("__MACOSX/3/._a.png", [1]), ("set/3/notes.txt", [2])));

        ImageDataset images = PngZipReader.Read(zip);

        // In the order of the paths: "set/10" before "set/3".
        Assert.Equal((2, 10, 3), (images.Count, images.Labels![0], images.Labels[1]));
        using var flat = new MemoryStream(Zip(("a.png", png), ("b.png", png)));
        Assert.Null(PngZipReader.Read(flat).Labels);
    }

    [Theory]
    [InlineData("bomb", "inflates to more")]
    [InlineData("cut", "no whole zip")]
    [InlineData("empty", "no PNG files")]
    [InlineData("damaged", "is no PNG file")]
    public void ReadZip_BadArchives_AreRefused(string kind, string part)
    {
        byte[] zip = kind switch
        {
            "bomb" => Zip(("a.png", new byte[8 << 20])),
            "cut" => Zip(("a.png", new byte[100]))[..60],
            "empty" => Zip(("a.txt", [1])),
            _ => Zip(("a.png", [1, 2, 3])),
        };
        using var stream = new MemoryStream(zip);

        InvalidDatasetException thrown = Assert.Throws<InvalidDatasetException>(() => PngZipReader.Read(stream));
        Assert.Contains(part, thrown.Message, StringComparison.Ordinal);
    }

    private static float[] Rows(ITrainingData data)
    {
        var rows = new float[data.Count * data.RowLength];
        for (int i = 0; i < data.Count; i++)
            data.CopyRow(i, rows.AsSpan(i * data.RowLength, data.RowLength));
        return rows;
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder.Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    private static byte[] Int64(long[] values) => Npy("<i8", [values.Length], [.. values.SelectMany(BitConverter.GetBytes)]);

    private static byte[] UInt8(int[] shape, byte[] values) => Npy("|u1", shape, values);

    private static byte[] Npy(string dtype, int[] shape, byte[] data)
    {
        string header = $"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({string.Join(", ", shape)},), }}".PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. data];
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in entries)
            {
                using Stream entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        }
        return stream.ToArray();
    }
}
