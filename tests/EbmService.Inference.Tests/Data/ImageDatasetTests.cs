using EbmService.Core.Models;
using EbmService.Inference.Data;

namespace EbmService.Inference.Tests.Data;

public sealed class ImageDatasetTests
{
    private static readonly InputSchema Schema = new(InputKind.Image, [1, 1, 2], -1, 1);
    private readonly ImageDataset sut = new([0, 255, 51, 204, 102, 153], 1, 1, 2, [5, 6, 7]);

    [Fact]
    public void ToFloats_All_MapsTheEndsExactly()
    {
        float[] values = sut.ToFloats(Schema);

        Assert.Equal(-1f, values[0]);
        Assert.Equal(1f, values[1]);
        Assert.Equal([-0.6f, 0.6f, -0.2f, 0.2f], values[2..]);
    }

    [Fact]
    public void ToFloats_OfIndices_FollowsTheirOrder() =>
        Assert.Equal([-0.2f, 0.2f, -1f, 1f, -0.2f, 0.2f], sut.ToFloats(Schema, [2, 0, 2]));

    [Fact]
    public void ToFloats_OtherShape_IsRefused() =>
        Assert.Contains("[1, 1, 2]", Assert.Throws<InvalidDatasetException>(() => sut.ToFloats(Schema with { Shape = [1, 2, 1] })).Message);

    [Fact]
    public void ToByte_OfItsOwnFloats_GivesTheSameBytes()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        float[] values = new ImageDataset(all, 1, 16, 16).ToFloats(new InputSchema(InputKind.Image, [1, 16, 16], -1, 1));

        Assert.Equal(all, values.Select(value => PixelScale.ToByte(value, -1, 1)));
        Assert.Equal<byte>([0, 255, 0], new[] { -9, 9, float.NaN }.Select(value => PixelScale.ToByte(value, -1, 1)));
    }

    [Fact]
    public void Constructor_LengthsThatDontAgree_Throws()
    {
        Assert.Throws<ArgumentException>(() => new ImageDataset(new byte[5], 1, 1, 2));
        Assert.Throws<ArgumentException>(() => new ImageDataset(new byte[4], 1, 1, 2, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageDataset([], 0, 1, 2));
    }
}
