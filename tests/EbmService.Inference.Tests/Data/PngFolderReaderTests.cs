using EbmService.Inference.Data;
using EbmService.Inference.Tests.Imaging;
using SkiaSharp;

namespace EbmService.Inference.Tests.Data;

public sealed class PngFolderReaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void Read_SubfolderPerClass_LabelsByOrdinalOrder()
    {
        folder.WriteFile("b/2.png", Solid(20));
        folder.WriteFile("a/x.PNG", Solid(10));
        folder.WriteFile("b/1.png", Solid(15));
        folder.WriteFile("b/readme.txt", [1]);

        ImageDataset sut = PngFolderReader.Read(folder.Path);

        Assert.Equal([0, 1, 1], sut.Labels!);
        Assert.Equal((1, 2, 3), (sut.Channels, sut.Height, sut.Width));
        Assert.Equal([10, 15, 20], Enumerable.Range(0, 3).Select(i => (int)sut.Image(i)[0]));
    }

    [Fact]
    public void Read_NumericSubfolders_LabelsAreTheNumbers()
    {
        folder.WriteFile("10/a.png", Solid(1));
        folder.WriteFile("2/a.png", Solid(2));

        Assert.Equal([10, 2], PngFolderReader.Read(folder.Path).Labels!);
    }

    [Fact]
    public void Read_FlatFolderInColour_HasPlanesAndNoLabels()
    {
        folder.WriteFile("a.png", TestPng.Encode(1, 2, (_, y) => new SKColor(1, 2, (byte)(3 + y))));

        ImageDataset sut = PngFolderReader.Read(folder.Path, channels: 3);

        Assert.Null(sut.Labels);
        Assert.Equal([1, 1, 2, 2, 3, 4], sut.Pixels);
    }

    [Fact]
    public void Read_DamagedFile_IsNamed()
    {
        folder.WriteFile("a/good.png", Solid(5));
        folder.WriteFile("a/bad.png", [1, 2, 3]);
        folder.WriteFile("a/bomb.png", TestPng.Announcing(100_000, 100_000));

        Assert.Contains("'bad.png'", Assert.Throws<InvalidDatasetException>(() => PngFolderReader.Read(folder.Path)).Message);
    }

    [Fact]
    public void Read_TransparentPixels_NeedABackground()
    {
        folder.WriteFile("a.png", TestPng.Encode(2, 1, (x, _) => x == 0 ? SKColors.Black : SKColors.Transparent));

        Assert.Contains("'a.png' has transparent pixels",
            Assert.Throws<InvalidDatasetException>(() => PngFolderReader.Read(folder.Path)).Message);
        Assert.Equal([0, 200], PngFolderReader.Read(folder.Path, background: 200).Pixels);
    }

    [Fact]
    public void Read_SizesThatDiffer_NamesBoth()
    {
        folder.WriteFile("1.png", Solid(5));
        folder.WriteFile("2.png", TestPng.Encode(4, 4, (_, _) => SKColors.Black));

        Assert.Contains("'2.png' has 4x4 pixels, the files before it 3x2",
            Assert.Throws<InvalidDatasetException>(() => PngFolderReader.Read(folder.Path)).Message);
    }

    [Fact]
    public void Read_EmptyFolder_IsRefused() =>
        Assert.Contains("no PNG files", Assert.Throws<InvalidDatasetException>(() => PngFolderReader.Read(folder.Path)).Message);

    public void Dispose() => folder.Dispose();

    private static byte[] Solid(byte level) => TestPng.Encode(3, 2, (_, _) => new SKColor(level, level, level));
}
