using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class ChainDrawsTests
{
    [Fact]
    public void From_FloatsAndDoubles_KeepsDrawsInRows()
    {
        ChainDraws sut = ChainDraws.From([1f, 2, 3, 4, 5, 6], 2);

        Assert.Equal((3, 2), (sut.Draws, sut.Chains));
        Assert.Equal(ChainDraws.From([1.0, 2, 3, 4, 5, 6], 2).Values.ToArray(), sut.Values.ToArray());
    }

    [Fact]
    public void From_IncompleteDraw_Throws()
    {
        Assert.Throws<ArgumentException>(() => ChainDraws.From([1.0, 2, 3], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ChainDraws.From([1.0], 0));
    }
}
