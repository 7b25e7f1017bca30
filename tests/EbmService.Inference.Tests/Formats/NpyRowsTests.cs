using EbmService.Core.Tensors;
using EbmService.Inference.Formats;

namespace EbmService.Inference.Tests.Formats;

public sealed class NpyRowsTests
{
    [Theory]
    [InlineData(0, 3, new float[] { 0, 1, 10, 11, 20, 21 })]
    [InlineData(4, 3, new float[] { 40, 41, 0, 1, 10, 11 })]
    [InlineData(13, 2, new float[] { 30, 31, 40, 41 })]
    public void Read_RowsFromAPlaceOn_BeginsAgainBehindTheLast(long first, int count, float[] expected) =>
        Assert.Equal(expected, NpyRows.Read(File([5, 2]), [2], first, count));

    [Fact]
    public void Read_MoreThanTheFileHas_GoesRoundAsOftenAsNeeded()
    {
        float[] rows = NpyRows.Read(File([5, 2]), [2], 3, 12);

        Assert.Equal(Enumerable.Range(3, 12).Select(i => i % 5 * 10f), rows.Where((_, i) => i % 2 == 0));
    }

    [Fact]
    public void Read_SeveralLeadingSizes_AllCountRows() => Assert.Equal([30, 31], NpyRows.Read(File([2, 3, 2]), [2], 3, 1));

    [Theory]
    [InlineData(new[] { 5, 3 })]
    [InlineData(new[] { 0, 2 })]
    public void Read_OtherShape_IsRefused(int[] shape) => Assert.Throws<FormatException>(() => NpyRows.Read(File(shape), [2], 0, 1));

    [Fact]
    public void Read_DamagedFile_IsRefused()
    {
        Assert.Throws<FormatException>(() => NpyRows.Read(new MemoryStream([1, 2, 3]), [2], 0, 1));
        Assert.Throws<FormatException>(() => NpyRows.Read(new MemoryStream(Bytes([5, 2])[..^4]), [2], 0, 1));
    }

    private static MemoryStream File(int[] shape) => new(Bytes(shape));

    /// <summary>Row i begins with 10 i.</summary>
    private static byte[] Bytes(int[] shape)
    {
        int count = shape.Aggregate(1, (a, b) => a * b), length = shape[^1];
        float[] values = [.. Enumerable.Range(0, count).Select(i => (float)(i / length * 10 + i % length))];
        return NpyFormat.Write(new TensorPayload(shape, values));
    }
}
