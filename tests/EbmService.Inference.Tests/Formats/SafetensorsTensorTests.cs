using EbmService.Inference.Formats;

namespace EbmService.Inference.Tests.Formats;

public sealed class SafetensorsTensorTests
{
    // 1 + 2^-8 lies halfway between the BF16 numbers 1 and 1 + 2^-7: ties go to the even one. 1 + 3 * 2^-8 goes up.
    [Theory]
    [InlineData(SafetensorsDtype.F32, 0.1f, 0.1f)]
    [InlineData(SafetensorsDtype.F16, 1.5f, 1.5f)]
    [InlineData(SafetensorsDtype.F16, 65536f, float.PositiveInfinity)]
    [InlineData(SafetensorsDtype.BF16, 1.00390625f, 1f)]
    [InlineData(SafetensorsDtype.BF16, 1.01171875f, 1.015625f)]
    [InlineData(SafetensorsDtype.BF16, -3f, -3f)]
    [InlineData(SafetensorsDtype.BF16, float.MaxValue, float.PositiveInfinity)]
    [InlineData(SafetensorsDtype.BF16, float.NaN, float.NaN)]
    public void FromFloats_ThenToFloats_RoundsToNearestEven(SafetensorsDtype dtype, float value, float expected) =>
        Assert.Equal([expected], SafetensorsTensor.FromFloats([value], [1], dtype).ToFloats());

    [Fact]
    public void FromFloats_ShapeOfAnotherSize_Throws() =>
        Assert.Throws<ArgumentException>(() => SafetensorsTensor.FromFloats([1, 2, 3], [2, 2]));

    [Fact]
    public void ToFloats_OfIntegers_IsRefused() =>
        Assert.Contains("I64", Assert.Throws<InvalidCheckpointException>(() => SafetensorsTensor.FromInt64([1], [1]).ToFloats()).Message);

    [Fact]
    public void ToInt64AndToBytes_OfFloats_AreRefused()
    {
        SafetensorsTensor sut = SafetensorsTensor.FromFloats([1], [1]);

        Assert.Throws<InvalidCheckpointException>(() => sut.ToInt64());
        Assert.Throws<InvalidCheckpointException>(() => sut.ToBytes());
    }
}
