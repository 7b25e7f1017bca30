using System.Runtime.Intrinsics;
using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Numerics;

public sealed class DenseKernelTests
{
    [Theory]
    [InlineData(1, 1, 16)]
    [InlineData(3, 7, 48)]
    [InlineData(4, 5, 64)]
    [InlineData(9, 130, 80)]
    [InlineData(64, 128, 128)]
    public void Multiply_AnyShape_AgreesWithDoublePrecision(int rows, int inner, int columns)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(4UL);
        Tensor left = randn([rows, inner], generator: generator), right = randn([inner, columns], generator: generator), bias = randn([columns], generator: generator);
        Tensor exact = left.to(ScalarType.Float64).mm(right.to(ScalarType.Float64));

        Tensor plain = DenseKernel.Multiply(left, right, null);
        Tensor biased = DenseKernel.Multiply(left, right, bias);

        // Each of inner additions rounds to half a unit of a sum of about sqrt(inner).
        double tolerance = 1e-6 * inner;
        Assert.True(plain.to(ScalarType.Float64).sub(exact).abs().max().ToDouble() < tolerance);
        Assert.True(biased.to(ScalarType.Float64).sub(exact + bias).abs().max().ToDouble() < tolerance);
    }

    [Fact]
    public void Multiply_OneRowOfMany_HasTheBitsOfTheRowAlone()
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(4UL);
        Tensor left = randn([11, 33], generator: generator), right = randn([33, 80], generator: generator), bias = randn([80], generator: generator);

        Tensor all = DenseKernel.Multiply(left, right, bias);

        for (int row = 0; row < 11; row++)
            Assert.True(all[row].eq(DenseKernel.Multiply(left.narrow(0, row, 1), right, bias)[0]).all().ToBoolean());
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(8, 1152, 10)]
    [InlineData(5, 33, 3)]
    public void Project_AnyShape_SumsInDoublePrecision(int rows, int inner, int columns)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(4UL);
        Tensor input = randn([rows, inner], generator: generator), weight = randn([columns, inner], generator: generator), bias = randn([columns], generator: generator);
        Tensor exact = input.to(ScalarType.Float64).mm(weight.to(ScalarType.Float64).t()) + bias;

        Tensor sum = DenseKernel.Project(input, weight, bias);

        Assert.True(sum.sub(exact).abs().max().ToDouble() < 1e-15 * inner + 1e-15);
        Assert.True(sum[rows - 1].eq(DenseKernel.Project(input.narrow(0, rows - 1, 1), weight, bias)[0]).all().ToBoolean());
    }

    [Theory]
    [InlineData(64, 2, 128, true)]
    [InlineData(64, 128, 2, false)]
    [InlineData(1 << 24, 128, 128, false)]
    public void Fits_ColumnsOfWholeVectorsWithinASpan_IsTrue(long rows, long inner, long columns, bool expected) =>
        Assert.Equal(expected && Vector512.IsHardwareAccelerated, DenseKernel.Fits(rows, inner, columns));
}
