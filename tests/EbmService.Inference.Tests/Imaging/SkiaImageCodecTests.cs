using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Imaging;
using SkiaSharp;

namespace EbmService.Inference.Tests.Imaging;

public sealed class SkiaImageCodecTests
{
    private static readonly InputSchema Gray = new(InputKind.Image, [1, 2, 3], -1, 1);
    private static readonly InputSchema Colour = new(InputKind.Image, [3, 2, 2], 0, 1);
    private static readonly InputSchema Plane = new(InputKind.Vector, [2], -4, 4);
    private readonly SkiaImageCodec sut = new();

    [Fact]
    public void EncodeGrid_GrayImages_DoublesThemWithTwoPixelsBetween()
    {
        var batch = new TensorPayload([3, 1, 2, 3], [.. Enumerable.Repeat(-1f, 6), .. Enumerable.Repeat(1f, 6), 0, 0, 0, 0, 0, 9]);

        using SKBitmap picture = TestPng.Decode(sut.EncodeGrid(batch, Gray));

        // Two columns and two rows of 6x4 pixels with margins: 2 + 2 (6 + 2) by 2 + 2 (4 + 2).
        Assert.Equal((18, 14), (picture.Width, picture.Height));
        Assert.Equal(SKColorType.Gray8, picture.ColorType);
        Assert.Equal(0, picture.GetPixel(2, 2).Red);
        Assert.Equal(255, picture.GetPixel(10, 2).Red);
        Assert.Equal(128, picture.GetPixel(2, 8).Red);
        Assert.Equal(255, picture.GetPixel(7, 11).Red);
        Assert.Equal(picture.GetPixel(0, 0), picture.GetPixel(17, 13));
        Assert.NotEqual(0, picture.GetPixel(9, 9).Red);
    }

    [Fact]
    public void EncodeGrid_ColourImagesInOneRow_KeepsTheChannelsApart()
    {
        var batch = new TensorPayload([2, 3, 2, 2], [1, 1, 1, 1, 0, 0, 0, 0, .5f, .5f, .5f, .5f, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]);

        using SKBitmap picture = TestPng.Decode(sut.EncodeGrid(batch, Colour, columns: 2));

        Assert.Equal((14, 8), (picture.Width, picture.Height));
        Assert.Equal(new SKColor(255, 0, 128), picture.GetPixel(2, 2));
        Assert.Equal(new SKColor(0, 255, 0), picture.GetPixel(9, 5));
    }

    [Fact]
    public void EncodeGrid_LongerRows_DrawsWhatTheyBeginWith()
    {
        float[] first = [-1, 0, 1, 1, 0, -1], second = [1, 1, 1, -1, -1, -1];

        byte[] longer = sut.EncodeGrid(new TensorPayload([2, 8], [.. first, 7, 7, .. second, 7, 7]), Gray);

        Assert.Equal(sut.EncodeGrid(new TensorPayload([2, 1, 2, 3], [.. first, .. second]), Gray), longer);
    }

    [Fact]
    public void EncodeGrid_MoreImagesThanFit_StaysWithinTheLimit()
    {
        var schema = new InputSchema(InputKind.Image, [1, 28, 28], -1, 1);

        using SKBitmap picture = TestPng.Decode(sut.EncodeGrid(new TensorPayload([20_000, 1, 28, 28], new float[20_000 * 784]), schema));

        Assert.InRange((long)picture.Width * picture.Height, 15_000_000, 16_100_000);
    }

    [Fact]
    public void EncodeGrid_PlanePoints_DrawsThemWhereTheyAre()
    {
        byte[] png = sut.EncodeGrid(new TensorPayload([3, 2], [-4, -4, 4, 4, float.NaN, 100]), Plane);

        using SKBitmap picture = TestPng.Decode(png);
        Assert.Equal((512, 512), (picture.Width, picture.Height));
        Assert.Equal(SKColors.White, picture.GetPixel(1, 1));
        // The frame is 60..496 by 24..460; its corners are the ends of the range and hold a dot each, a quarter of it inside.
        Assert.True(HasBlue(60, 456), "lower left");
        Assert.True(HasBlue(491, 24), "upper right");
        Assert.False(HasBlue(60, 24) || HasBlue(491, 456), "other corners");

        bool HasBlue(int left, int top) => Enumerable.Range(0, 25).Any(i => IsBlue(picture.GetPixel(left + i % 5, top + i / 5)));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public void EncodeGrid_OtherVectors_DrawsNothing(int dimension) =>
        Assert.Empty(sut.EncodeGrid(
            new TensorPayload([1, dimension], new float[dimension]), new InputSchema(InputKind.Vector, [dimension], 0, 1)));

    [Fact]
    public void Decode_ColourFileForAGrayModel_GivesLumaOverTheBackgroundInTheSchemasRange()
    {
        byte[] png = TestPng.Encode(3, 2, (x, y) => (x, y) switch
        {
            (0, 0) => SKColors.White,
            (1, 0) => new SKColor(100, 100, 100),
            (2, 0) => SKColors.Red,
            (0, 1) => new SKColor(255, 255, 255, 0),
            (1, 1) => new SKColor(255, 255, 255, 51),
            _ => SKColors.Black,
        });

        TensorPayload values = sut.Decode(png, Gray with { Background = -1 }).OrThrow();

        // 0.299 * 255 = 76.2 for red; 51 / 255 of white over black is 51.
        float[] expected = [.. new[] { 255, 100, 76, 0, 51, 0 }.Select(level => (float)(-1 + 2.0 * level / 255))];
        Assert.Equal([1, 2, 3], values.Shape);
        Assert.Equal(expected, values.Values);
    }

    [Fact]
    public void Decode_BlackDrawingOnNothing_IsRefusedWhereTheModelDeclaresNoBackground()
    {
        byte[] png = TestPng.Encode(3, 2, (x, _) => x == 1 ? SKColors.Black : SKColors.Transparent);

        Assert.Contains("transparent", sut.Decode(png, Gray).Failure!.Message);
        Assert.Equal([1, -1, 1, 1, -1, 1], sut.Decode(png, Gray with { Background = 1 }).OrThrow().Values);
    }

    [Fact]
    public void Decode_OpaqueFileWithAnAlphaChannel_NeedsNoBackground() =>
        Assert.True(sut.Decode(TestPng.Encode(3, 2, (_, _) => new SKColor(1, 2, 3, 255)), Gray).Succeeded);

    [Fact]
    public void Decode_ColourModel_GivesPlanes()
    {
        byte[] png = TestPng.Encode(2, 2, (x, y) => new SKColor((byte)(x * 255), (byte)(y * 255), 0));

        Assert.Equal([0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0], sut.Decode(png, Colour).OrThrow().Values);
    }

    [Fact]
    public void Decode_WhatEncodeGridDrew_GivesTheSameBytes()
    {
        var schema = new InputSchema(InputKind.Image, [1, 64, 64], 0, 1);
        var batch = new TensorPayload([1, 1, 64, 64], [.. Enumerable.Range(0, 4096).Select(i => (float)(i % 256 / 255.0))]);

        TensorPayload grid = sut.Decode(sut.EncodeGrid(batch, schema), schema with { Shape = [1, 68, 68] }).OrThrow();

        for (int y = 0; y < 64; y++)
            Assert.Equal(batch.Values[(y * 64)..(y * 64 + 64)], grid.Values[((y + 2) * 68 + 2)..((y + 2) * 68 + 66)]);
    }

    [Fact]
    public void Decode_WrongSize_NamesBothSizes()
    {
        Failure failure = sut.Decode(TestPng.Encode(5, 4, (_, _) => SKColors.Black), Gray).Failure!;

        Assert.Equal(FailureCode.InvalidRequest, failure.Code);
        Assert.Contains("5x4", failure.Message);
        Assert.Contains("3x2", failure.Message);
    }

    [Theory]
    [InlineData(10_000, 10_000)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void Decode_AnnouncedMegapixels_IsRefusedBeforeDecoding(int width, int height)
    {
        var schema = new InputSchema(InputKind.Image, [1, height, width], 0, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();

        Failure failure = sut.Decode(TestPng.Announcing(width, height), schema).Failure!;

        Assert.Contains("over the limit", failure.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-1, 5)]
    public void Decode_AnnouncedSizeWithoutPixels_IsRefused(int width, int height) =>
        Assert.Contains("not a PNG", sut.Decode(TestPng.Announcing(width, height), Gray).Failure!.Message);

    [Fact]
    public void Decode_HeaderOfTheRightSizeOverWrongData_IsRefused() =>
        Assert.Contains("damaged", sut.Decode(TestPng.Announcing(3, 2), Gray).Failure!.Message);

    [Fact]
    public void Decode_FileCutShort_IsRefused()
    {
        var schema = new InputSchema(InputKind.Image, [1, 64, 64], 0, 1);
        var random = new Random(1);
        byte[] png = TestPng.Encode(64, 64, (_, _) => new SKColor((uint)random.Next() | 0xff000000));

        Assert.Contains("damaged", sut.Decode(png.AsSpan(0, png.Length / 2), schema).Failure!.Message);
    }

    [Fact]
    public void Decode_OtherBytes_IsRefused()
    {
        Assert.Contains("not a PNG", sut.Decode("GIF89a"u8, Gray).Failure!.Message);
        Assert.Contains("not a PNG", sut.Decode(new byte[100], Gray).Failure!.Message);
    }

    [Fact]
    public void Decode_VectorModel_SaysWhatToSend() =>
        Assert.Contains("no images", sut.Decode(TestPng.Encode(1, 1, (_, _) => SKColors.Black), Plane).Failure!.Message);

    private static bool IsBlue(SKColor colour) => colour.Blue > colour.Red + 30;
}
