using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Numerics;

public sealed class LeakyKernelTests
{
    [Theory]
    [InlineData(false, false, 0.2)]
    [InlineData(true, false, 0.2)]
    [InlineData(false, true, 0.2)]
    [InlineData(true, true, 0)]
    public void Backward_MapsOfEitherLayout_GiveWhatOperatorsGive(bool resultLast, bool gradientLast, double slope)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(2UL);
        Tensor result = InLayout(randn([3, 5, 7, 3], generator: generator), resultLast);
        Tensor gradient = InLayout(randn([3, 5, 7, 3], generator: generator), gradientLast);

        Tensor sut = LeakyKernel.Backward(gradient, result, slope);

        Assert.Equal(gradient.shape, sut.shape);
        Assert.True(sut.eq(where(result.gt(0), gradient, gradient * slope)).all().ToBoolean());
    }

    private static Tensor InLayout(Tensor map, bool channelsLast) =>
        channelsLast ? map.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : map;
}
