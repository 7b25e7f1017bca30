using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Numerics;

public sealed class SiluKernelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(1000)]
    [InlineData(4096)]
    public void Activate_Float32_AgreesWithLibtorchInDoublePrecision(int count)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = linspace(-30, 30, count);
        Tensor exact = x.to(ScalarType.Float64).requires_grad_(true);
        Tensor expected = nn.functional.silu(exact);
        Tensor slope = autograd.grad([expected.sum()], [exact])[0];

        Tensor value = SiluKernel.Activate(x);

        Assert.True(value.to(ScalarType.Float64).allclose(expected, 1e-6, 1e-9));
        Assert.True(x.to(ScalarType.Float64).allclose(slope, 1e-5, 1e-6));
    }

    [Fact]
    public void Activate_BFloat16_IsWithinOneUnitOfLibtorch()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = linspace(-20, 20, 5001).to(ScalarType.BFloat16);
        Tensor expected = nn.functional.silu(x);

        Tensor value = SiluKernel.Activate(x);

        // Nearly always the same rounding of nearly the same number; never more than one unit in the last place apart.
        Assert.True(value.to(ScalarType.Float32).allclose(expected.to(ScalarType.Float32), 1 / 128.0, 1e-30));
        Assert.True(value.eq(expected).to(ScalarType.Float32).mean().ToDouble() > 0.99);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Activate_ExtremeNumbers_SaturateAndNaNStaysNaN(ScalarType precision)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new[] { -1e30f, -200f, 0f, 200f, 1e30f, float.NaN }).to(precision);

        float[] value = SiluKernel.Activate(x).to(ScalarType.Float32).data<float>().ToArray();
        float[] slope = x.to(ScalarType.Float32).data<float>().ToArray();

        Assert.Equal(0, value[1], 1e-30);
        Assert.Equal(0, value[2]);
        Assert.Equal(200, value[3]);
        Assert.Equal(1e30, value[4], 1e28);
        Assert.Equal([0f, 0.5f, 1f, 1f], slope[1..5].Select(each => MathF.Round(each, 6)));
        Assert.True(float.IsNaN(value[5]) && float.IsNaN(slope[5]));
        Assert.True(float.IsFinite(value[0]) && float.IsFinite(slope[0]));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 100)]
    [InlineData(ScalarType.BFloat16, 100)]
    [InlineData(ScalarType.BFloat16, 64)]
    public void Replace_OddLengths_IsActivateToTheBit(ScalarType precision, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = linspace(-20, 20, count).to(precision);
        Tensor expected = SiluKernel.Activate(x.clone());

        SiluKernel.Replace(x);

        Assert.True(x.eq(expected).all().ToBoolean());
    }

    [Theory]
    [InlineData(ScalarType.Float32, 100)]
    [InlineData(ScalarType.BFloat16, 100)]
    [InlineData(ScalarType.BFloat16, 64)]
    public void Multiply_OddLengths_IsLibtorchsToTheBit(ScalarType precision, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(2UL);
        Tensor x = randn([count], generator: generator).to(precision), factor = randn([count], generator: generator).to(precision);
        Tensor expected = x.mul(factor);

        SiluKernel.Multiply(x, factor);

        Assert.True(x.eq(expected).all().ToBoolean());
    }
}
