using System.IO.Compression;
using System.Text;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Data;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.Tests.Data;

/// <summary>Files that people upload, made into rows.</summary>
public sealed class DatasetConverterTests
{
    private static readonly DatasetLimits Limits = new(MaxEntries: 8, MaxContentBytes: 4096, () => new MemoryStream());

    private readonly DatasetConverter _sut = new(new SkiaImageCodec());
    private readonly MemoryStream _rows = new();
    private readonly MemoryStream _labels = new();

    [Fact]
    public void Convert_NpyOfFloats_IsTakenAsItIs()
    {
        DatasetContent content = Convert(NpyFormat.Write(new TensorPayload([3, 2], [0, 1, 0.5f, -2, 3, 4])));

        Assert.Equal((3, "float32", -2.0, 4.0, false), (content.Rows, content.Dtype, content.Min, content.Max, content.IsBinary));
        Assert.Equal([2], content.Shape);
        Assert.Equal([0, 1, 0.5f, -2, 3, 4], Rows(content));
    }

    [Theory]
    [InlineData("<f8")]
    [InlineData(">f4")]
    [InlineData("<i4")]
    public void Convert_NpyOfOtherTypes_BecomesFloat32(string descr) =>
        Assert.Equal([1, 2, 3, 4], Rows(Convert(Npy(descr, [2, 2], [1, 2, 3, 4]))));

    [Fact]
    public void Convert_NpyInFortranOrder_IsTurned() =>
        Assert.Equal([1, 2, 3, 4, 5, 6], Rows(Convert(Npy("<f4", [2, 3], [1, 4, 2, 5, 3, 6], fortran: true))));

    [Fact]
    public void Convert_NpyOfBytes_StaysBytes()
    {
        DatasetContent content = Convert(Bytes("|u1", [2, 1, 1, 2], [0, 255, 255, 0]));

        Assert.Equal(("uint8", true, 255.0), (content.Dtype, content.IsBinary, content.Max));
        Assert.Equal([-1, 1, 1, -1], Rows(content, new InputSchema(InputKind.Image, [1, 1, 2], -1, 1)));
        Assert.Equal([0, 255, 255, 0], Rows(content, new InputSchema(InputKind.Vector, [2], -1, 1)));
    }

    [Fact]
    public void Convert_IdxUnderGzipWithLabels_HasBoth()
    {
        byte[] images = Gzip([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 20, 255]);
        DatasetContent content = Convert(images, Gzip([0, 0, 8, 1, 0, 0, 0, 2, 7, 7]));

        Assert.Equal([1, 2], content.Shape);
        Assert.Equal(2, content.LabelCounts![7]);
        Assert.Equal([7, 7], RowsReader.Read(_labels, new InputSchema(InputKind.Vector, [1], 0, 0), 0, 2));
    }

    [Fact]
    public void Convert_Npz_TakesRowsAndLabels()
    {
        byte[] npz = Zip(("x.npy", NpyFormat.Write(new TensorPayload([2, 1], [5, 6]))), ("labels.npy", NpyFormat.Write(new TensorPayload([2], [1, 0]))));
        DatasetContent content = Convert(npz);

        Assert.Equal([5, 6], Rows(content));
        Assert.Equal(2, content.LabelCounts!.Count);
    }

    [Fact]
    public void Convert_ZipOfPng_HasAClassPerFolder()
    {
        DatasetContent content = Convert(Zip(("b/1.png", Png(0)), ("a/1.png", Png(255)), ("a/2.png", Png(128)), ("__MACOSX/a/1.png", [1])));

        Assert.Equal([1, 2, 2], content.Shape);
        Assert.Equal([255, 255, 255, 255, 128, 128, 128, 128, 0, 0, 0, 0], Rows(content, new InputSchema(InputKind.Vector, [4], 0, 1)));
        Assert.Equal(new Dictionary<int, int> { [0] = 2, [1] = 1 }, content.LabelCounts);
    }

    [Fact]
    public void Convert_Csv_TakesTheColumnOfLabels()
    {
        DatasetContent content = Convert(Encoding.UTF8.GetBytes("x,label,y\n0.5,1,0\n-1,0,2\n"));

        Assert.Equal([0.5f, 0, -1, 2], Rows(content));
        Assert.Equal([0, 1], content.LabelCounts!.Keys);
    }

    public static TheoryData<byte[], string> Bad => new()
    {
        { [], "empty" },
        { Npy("<f4", [2, 2], [1, 2, 3]), "cut short" },
        { Npy("<f4", [1, 2], [1, 2, 3]), "longer" },
        { Npy("<f4", [1, 2], [1, float.NaN]), "not finite" },
        { Npy("<f4", [0, 2], []), "no rows" },
        { Npy("<f4", [2, 0], []), "shape" },
        { Npy("<f4", [2_000_000_000, 2_000_000_000], []), "not read" },
        { Npy("<f4", [2000, 1], new float[2000]), "4096" },
        { Gzip(new byte[10_000]), "inflates" },
        { Gzip(Npy("<f4", [2, 2], [1, 2, 3, 4]))[..^9], "gzip" },
        { [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0], "cut short" },
        { [0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 2], "size" },
        { Encoding.UTF8.GetBytes("1,2\n3\n"), "columns" },
        { Encoding.UTF8.GetBytes("1,2\n3,inf\n"), "finite" },
        { Png(1), "one PNG" },
        { Zip(("a/1.png", Png(0)), ("../1.png", Png(0))), "leads out" },
        { Zip(("/etc/1.png", Png(0))), "leads out" },
        { Zip([.. Enumerable.Range(0, 9).Select(i => ($"{i}.png", Png(0)))]), "entries" },
        { Zip(("a.txt", [1])), "neither" },
        { Zip(("x.npy", Npy("<f4", [1, 1], [1])), ("z.npy", Npy("<f4", [1, 1], [1]))), "one array" },
        { Zip(("a.png", new byte[1000])), "no PNG" },
        { "PK\u0003\u0004broken"u8.ToArray(), "zip" },
    };

    [Theory, MemberData(nameof(Bad))]
    public void Convert_BadFile_SaysWhatIsWrong(byte[] file, string word)
    {
        FieldError error = Refused(file).Fields.Single();

        Assert.Equal("rows", error.Field);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new float[] { 0 }, "2 rows")]
    [InlineData(new float[] { 0, -1 }, "label")]
    [InlineData(new[] { 0, 0.5f }, "label")]
    public void Convert_BadLabels_NameTheLabels(float[] labels, string word)
    {
        FieldError error = Refused(Npy("<f4", [2, 1], [1, 2]), NpyFormat.Write(new TensorPayload([labels.Length], labels))).Fields.Single();

        Assert.Equal("labels", error.Field);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Draw_ImagesAndPoints_ArePng()
    {
        DatasetContent content = Convert(Bytes("|u1", [2, 4, 4], new byte[32]));
        var dataset = new Dataset("d", 2, content.Shape, content.Dtype, 0, 255, true, "", 0) { CreatedAt = default };

        Assert.Equal([0x89, (byte)'P'], _sut.Draw(dataset, _rows, 9)![..2]);
        Assert.Null(_sut.Draw(dataset with { Shape = [16] }, _rows, 9));
    }

    private DatasetContent Convert(byte[] rows, byte[]? labels = null) => Try(rows, labels).OrThrow();

    private Failure Refused(byte[] rows, byte[]? labels = null) => Try(rows, labels).Failure!;

    private Outcome<DatasetContent> Try(byte[] rows, byte[]? labels) =>
        _sut.Convert(new MemoryStream(rows), labels is null ? null : new MemoryStream(labels), Limits, _rows, _labels);

    private float[] Rows(DatasetContent content, InputSchema? schema = null) =>
        RowsReader.Read(_rows, schema ?? new InputSchema(InputKind.Vector, content.Shape, 0, 1), 0, content.Rows);

    private static byte[] Npy(string descr, int[] shape, float[] values, bool fortran = false)
    {
        IEnumerable<byte> data = descr switch
        {
            "<f8" => values.SelectMany(value => BitConverter.GetBytes((double)value)),
            ">f4" => values.SelectMany(value => BitConverter.GetBytes(value).Reverse()),
            "<i4" => values.SelectMany(value => BitConverter.GetBytes((int)value)),
            _ => values.SelectMany(BitConverter.GetBytes),
        };
        return Bytes(descr, shape, [.. data], fortran);
    }

    private static byte[] Bytes(string descr, int[] shape, byte[] data, bool fortran = false)
    {
        string header = $"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({string.Join(", ", shape)},), }}\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. data];
    }

    private static byte[] Gzip(byte[] content)
    {
        var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Fastest))
            gzip.Write(content);
        return to.ToArray();
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        var to = new MemoryStream();
        using (var zip = new ZipArchive(to, ZipArchiveMode.Create))
        {
            foreach ((string name, byte[] content) in files)
            {
                using Stream entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        }
        return to.ToArray();
    }

    private static byte[] Png(byte level)
    {
        using SkiaSharp.SKImage image = SkiaSharp.SKImage.FromPixelCopy(
            new SkiaSharp.SKImageInfo(2, 2, SkiaSharp.SKColorType.Gray8, SkiaSharp.SKAlphaType.Opaque), [level, level, level, level]);
        using SkiaSharp.SKData data = image.Encode(SkiaSharp.SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
